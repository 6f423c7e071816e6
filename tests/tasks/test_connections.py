"""The mail that asks a host to reconnect, and what follows when they do."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import responses
from flask import Flask
from sqlalchemy import text

from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.tasks.sweep import sweep
from app.zoom import service
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Visitor
from tests.tasks.connection_steps import AYA, DEAD, end, requests_to_reconnect
from tests.tasks.steps import let_time_pass, task_of, text_of, work
from tests.zoom.api_steps import MEETINGS, made
from tests.zoom.steps import REVOKE, TOKEN, grant, reread


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
