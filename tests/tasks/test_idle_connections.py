"""Connections that idle or are doubted are checked."""

import json
from datetime import datetime, timedelta

import responses
from flask import Flask
from sqlalchemy import select, update

from app.core.clock import utcnow
from app.db import db
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_host
from tests.support.services import MailServer
from tests.tasks.connection_steps import DEAD, end, requests_to_reconnect
from tests.tasks.steps import Connections, let_time_pass, work
from tests.zoom.steps import TOKEN, reread, tokens


def ago(**length: float) -> datetime:
    return utcnow() - timedelta(**length)


def checks() -> list[Task]:
    db.session.expire_all()
    found = select(Task).where(Task.kind == "zoom.check").order_by(Task.id)
    return list(db.session.scalars(found))


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
