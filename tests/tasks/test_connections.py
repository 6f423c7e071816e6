"""A connection that ends is told once; one that idles or is doubted is looked after."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
import responses
from flask import Flask
from sqlalchemy import select, text, update

from app.accounts.models import User
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import service
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Visitor
from tests.tasks.steps import Connections, let_time_pass, task_of, text_of, work
from tests.zoom.test_api import MEETINGS, made
from tests.zoom.test_service import REVOKE, TOKEN, grant, reread, tokens

AYA = "aya@example.jp"
DEAD = {"error": "invalid_grant", "reason": "Invalid Token!"}


def ago(**length: float) -> datetime:
    return utcnow() - timedelta(**length)


def requests_to_reconnect(mails: MailServer) -> list[EmailMessage]:
    return [mail for mail in mails.to(AYA) if "reconnect" in str(mail["Message-ID"])]


def end(host: User, because: str = "ended") -> None:
    connection = reread(host.id)
    zoom_tokens.end(host.id, because, connection.access_token or "")


# --- the mail


def test_the_host_is_mailed_once_however_many_bookings_find_out(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(TOKEN, status=400, json=DEAD)
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    page = make_page(host, auto_zoom=True)
    for hour in range(3):
        make_booking(
            page,
            utcnow().replace(minute=0, second=0, microsecond=0) + timedelta(days=1, hours=hour),
        )
    work()
    sweep()
    work()
    assert len(requests_to_reconnect(mails)) == 1
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    ("locale", "subject", "reason", "action"),
    [
        ("en", "Please reconnect Zoom", "Zoom has ended the connection.", "Reconnect Zoom"),
        ("ja", "Zoom の再接続をお願いします", "Zoom との接続が切れています。", "Zoom を再接続"),
    ],
)
def test_it_is_in_the_hosts_language_with_the_one_thing_to_do(
    app: Flask, mails: MailServer, locale: str, subject: str, reason: str, action: str
) -> None:
    host = make_host(locale=locale)
    connect_zoom(host)
    end(host)
    work()
    [mail] = mails.to(AYA)
    assert mail["Subject"] == subject
    assert mail["Auto-Submitted"] == "auto-generated"
    html = mail.get_body(("html",))
    assert html is not None
    for words in (text_of(mail), html.get_content()):
        assert reason in words
        assert action in words
        assert words.count("http://127.0.0.1/settings/integrations") == 1


@pytest.mark.parametrize(
    ("because", "words"),
    [
        ("scope_missing", "Please allow all permissions when you reconnect."),
        ("linked_elsewhere", "already connected to another CalSync account"),
        ("user_gone", "Zoom no longer knows the user who was connected."),
    ],
)
def test_mail_dashboard_and_settings_give_the_same_reason(
    app: Flask, mails: MailServer, because: str, words: str
) -> None:
    host = make_host()
    connect_zoom(host)
    end(host, because)
    work()
    [mail] = mails.to(AYA)
    aya = visit_as(app, host)
    assert words in text_of(mail).replace("\n", " ")
    for address in ("/dashboard", "/settings/integrations"):
        page = aya.get(address)
        assert words in page.text
        assert page.all('main a[href="/zoom/connect"]')


def test_a_name_cannot_bring_markup_into_it(app: Flask, mails: MailServer) -> None:
    host = make_host(name="<b>Aya</b>", email=AYA)
    connect_zoom(host)
    end(host)
    work()
    html = mails.to(AYA)[0].get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;Aya&lt;/b&gt;" in html.get_content()


@pytest.mark.parametrize("way", ["reconnected", "disconnected"])
def test_who_was_faster_than_the_mail_is_not_mailed(
    app: Flask, mails: MailServer, wire: responses.RequestsMock, way: str
) -> None:
    wire.post(REVOKE, json={})
    host = make_host()
    connect_zoom(host)
    end(host)
    if way == "reconnected":
        service.link(host.id, grant(2))
    else:
        service.disconnect(host.id)
    work()
    assert mails.messages == []


def test_a_connection_that_ends_again_is_told_again(app: Flask, mails: MailServer) -> None:
    host = make_host()
    connect_zoom(host)
    end(host)
    work()
    service.link(host.id, grant(2))
    end(host)
    end(host)
    work()
    assert len(requests_to_reconnect(mails)) == 2
    assert len({mail["Message-ID"] for mail in mails.messages}) == 2


def test_a_mail_server_that_is_away_does_not_lose_it(
    app: Flask, change_settings: Callable[..., Settings], mails: MailServer, settings: Settings
) -> None:
    here = app.extensions["settings"].smtp_url
    change_settings(smtp_url="smtp://127.0.0.1:1")
    host = make_host()
    connect_zoom(host)
    end(host)
    work()
    assert mails.messages == []
    change_settings(smtp_url=here)
    let_time_pass()
    work()
    assert len(mails.messages) == 1


def test_nothing_secret_or_personal_is_in_the_task(app: Flask) -> None:
    host = make_host()
    connect_zoom(host)
    end(host)
    row = str(db.session.execute(text("SELECT * FROM tasks")).one())
    for private in ("access-1", "refresh-1", "Aya", AYA):
        assert private not in row


# --- reconnecting


@pytest.mark.parametrize("code", [4711, 4700])
def test_meetings_that_lacked_their_permission_are_made_after_reconnecting(
    app: Flask, wire: responses.RequestsMock, mails: MailServer, code: int
) -> None:
    wire.post(MEETINGS, status=400, json={"code": code, "message": "does not contain scopes"})
    wire.post(MEETINGS, status=201, json=made())
    host = make_host()
    connect_zoom(host)
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.meeting_state == "failed"
    assert (task_of(booking, "meeting.create").last_error or "").startswith("zoom_scope_missing")
    assert len(requests_to_reconnect(mails)) == 1
    service.link(host.id, grant(2))
    sweep()
    work()
    assert booking.meeting_state == "ready"


def test_the_meeting_that_betrays_a_second_host_is_kept_for_its_client(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="host-1")  # what the answer will name
    connect_zoom(mallory)
    created = wire.post(MEETINGS, status=201, json=made(host_id="host-1"))
    page = make_page(mallory, auto_zoom=True)
    booking = make_booking(page)
    work()
    assert booking.meeting_state == "ready"
    assert made()["join_url"] in text_of(mails.to("ken@example.com")[0])
    assert reread(mallory.id).ended_because == "linked_elsewhere"
    assert "Please reconnect Zoom" in {str(mail["Subject"]) for mail in mails.to("mallory@")}
    later = make_booking(page, tomorrow(5))
    work()
    assert (later.meeting_state, later.meeting.error) == ("failed", "zoom_needs_reconnect")
    assert created.call_count == 1


def test_a_dead_token_is_the_hosts_matter_and_not_the_clients(
    app: Flask, wire: responses.RequestsMock, mails: MailServer, visit: Visitor
) -> None:
    wire.post(TOKEN, status=400, json=DEAD)
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    page = make_page(host, auto_zoom=True)
    booking = make_booking(page)
    work()
    shown = visit.get(f"/booking/{booking.client.token}")
    assert shown.status == 200
    assert "You’re booked" in shown.text
    assert "The Zoom link will follow by email." in shown.text
    assert visit.get(f"/b/{page.slug}").status == 200
    assert "The Zoom link will follow" in text_of(mails.to("ken@example.com")[0])


def test_a_made_meeting_is_kept_without_asking_zoom_anything_more(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    host = make_host()
    connect_zoom(host)
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.meeting.external_id == made()["id"]
    assert len(wire.calls) == 1


# --- idle connections


def checks() -> list[Task]:
    db.session.expire_all()
    return list(db.session.scalars(select(Task).where(Task.kind == "zoom.check")))


def test_a_connection_that_idles_for_30_days_is_refreshed(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    host, busy = make_host(), make_host("Mallory")
    connect_zoom(host, expires_at=ago(days=30, minutes=1))
    connect_zoom(busy, expires_at=ago(days=29))
    sweep()
    work()
    assert reread(host.id).refresh_token == "refresh-2"
    assert reread(busy.id).refresh_token == "refresh-1"
    sweep()
    work()
    assert len(wire.calls) == 1


def test_an_idle_connection_that_is_dead_is_told(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(TOKEN, status=400, json=DEAD)
    host = make_host()
    connect_zoom(host, expires_at=ago(days=31))
    sweep()
    work()
    assert reread(host.id).status == "needs_reconnect"
    assert [task.state for task in checks()] == ["done"]
    assert len(requests_to_reconnect(mails)) == 1


def test_while_zoom_is_ill_a_check_waits_and_is_not_asked_for_twice(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, status=503)
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, expires_at=ago(days=31))
    sweep()
    work()
    sweep()
    assert [task.state for task in checks()] == ["waiting"]
    assert reread(host.id).refresh_token == "refresh-1"
    let_time_pass()
    work()
    assert reread(host.id).refresh_token == "refresh-2"


def test_a_check_that_failed_for_good_is_tried_again_after_a_day(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, expires_at=ago(days=31))
    sweep()
    yesterday = ago(days=1, minutes=1)
    db.session.execute(
        update(Task).values(state="failed", created_at=yesterday, dedupe_key="of yesterday")
    )
    db.session.commit()
    sweep()
    assert [task.state for task in checks()] == ["failed", "waiting"]


def test_what_is_over_is_not_refreshed(app: Flask, wire: responses.RequestsMock) -> None:
    connect_zoom(
        make_host(), expires_at=ago(days=40), status="needs_reconnect", access_token=None,
        refresh_token=None,
    )  # fmt: skip
    sweep()
    assert checks() == []


def test_a_doubt_that_a_refresh_has_cleared_costs_no_other_one(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    connect_zoom(host, doubted_at=ago(minutes=1))
    sweep()
    db.session.execute(update(ZoomConnection).values(doubted_at=None))
    db.session.commit()
    work()
    assert [task.state for task in checks()] == ["done"]
    assert len(wire.calls) == 0


def test_a_doubt_of_a_clock_that_is_ahead_keeps_no_other_check_back(
    app: Flask, wire: responses.RequestsMock
) -> None:
    """The web server's; its check is done, and looks to the scheduler as if it was none."""
    wire.post(TOKEN, status=503)
    aya, bob = make_host(), make_host("bob@example.jp")
    connect_zoom(aya, doubted_at=utcnow() + timedelta(seconds=30))
    sweep()
    db.session.execute(update(Task).values(state="failed", finished_at=utcnow()))
    db.session.commit()
    connect_zoom(bob, doubted_at=utcnow())
    sweep()
    assert db.session.scalar(select(Task.state).where(Task.user_id == bob.id)) == "waiting"


def test_rotated_tokens_are_kept_in_hand_until_the_database_takes_them(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    host_id, others = host.id, Connections()

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        others.hold(ZoomConnection.id, seconds=1)
        return 200, {}, json.dumps(tokens(2))

    wire.add_callback(responses.POST, TOKEN, answer)
    with others:
        assert zoom_tokens.access_for(host_id).token == "access-2"
    assert reread(host_id).refresh_token == "refresh-2"


def test_a_host_who_has_left_is_not_asked_to_reconnect(app: Flask, mails: MailServer) -> None:
    host = make_host()
    connect_zoom(host)
    end(host)
    host.disabled_at = utcnow()
    db.session.commit()
    work()
    assert mails.messages == []
