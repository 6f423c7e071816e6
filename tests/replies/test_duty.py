"""Who reads: the scheduler beside its sweep, or an operator by hand; and who is told that it fails."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.bookings.models import Booking
from app.cli.replies import begin_reading
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.replies import imap
from app.replies.models import ReplyMailbox
from app.replies.reading import read_replies
from tests.replies.steps import WRONG, answer, declined_at, mail_with, trouble
from tests.support.imap import SECRET, StandIn
from tests.support.services import wait_until
from tests.support.visitor import InProcess


def readiness(app: Flask) -> dict[str, str]:
    answered = InProcess(app).send("GET", "/readyz", None)
    assert answered.status == 200
    said: dict[str, str] = json.loads(answered.text)
    return said


def test_readiness_tells_of_trouble_that_lasts(
    app: Flask, stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    assert readiness(app)["replies"] == "ok"
    stand_in.cut_at = "EXAMINE"
    trouble()
    assert readiness(app)["replies"] == "ok"
    an_hour_ago = utcnow() - timedelta(hours=1)
    db.session.execute(update(ReplyMailbox).values(failing_since=an_hour_ago))
    db.session.commit()
    said = readiness(app)
    assert said["status"] == "degraded"
    assert said["replies"] == f"imap_unreachable since {an_hour_ago:%Y-%m-%dT%H:%MZ}"
    change_settings(imap_url="")
    assert "replies" not in readiness(app)


def test_nothing_is_held_in_the_database_while_the_server_takes_its_time(
    booking: Booking, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.add(mail_with(answer(booking)))
    held = []
    send = imap._Imap.send

    def look(self: imap._Imap, data: bytes) -> None:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        send(self, data)

    monkeypatch.setattr(imap._Imap, "send", look)
    db.session.commit()
    found = read_replies()
    assert found is not None
    assert found.heard == 1
    assert set(held) == {0}


def test_an_operator_reads_by_hand_and_is_told(
    app: Flask, booking: Booking, stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    run = app.test_cli_runner().invoke
    stand_in.add(mail_with(answer(booking)))
    assert run(args=["read-replies"]).output == "1 new mails, 1 replies of calendars.\n"
    change_settings(imap_url=stand_in.url.replace(SECRET, WRONG))
    said = run(args=["read-replies"])
    assert said.exit_code == 1
    assert "imap_login_refused" in said.output
    assert "wrong" not in said.output
    change_settings(imap_url="")
    assert "IMAP_URL is not set" in run(args=["read-replies"]).output


def test_the_scheduler_reads_in_a_thread_of_its_own_and_goes_on_after_trouble(
    app: Flask, booking: Booking, stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    change_settings(replies_every=timedelta(seconds=0.02))
    stand_in.cut_at = "EXAMINE"
    stop = threading.Event()
    thread = begin_reading(app, stop)
    assert thread is not None
    try:
        wait_until(lambda: stand_in.asked("EXAMINE"), "a first look")
        stand_in.cut_at = ""
        stand_in.add(mail_with(answer(booking)))
        wait_until(lambda: declined_at(booking), "the decline")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_no_thread_runs_where_there_is_no_mailbox(app: Flask) -> None:
    assert begin_reading(app, threading.Event()) is None
