"""Workers who share one host's token, against the sandbox over HTTP."""

import threading
import time
from datetime import datetime, timedelta
from itertools import pairwise

import requests
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.outbox import Task
from app.zoom import service
from tests.support.cast import make_booking, make_host, make_page
from tests.zoom.conftest import Sandbox
from tests.zoom.steps import reread

BOOKINGS = 50
PATIENCE = 240.0  # seconds; it takes three on a quiet machine
# A token of one second is refreshed when a tenth of it is left.
SHORTEST_LIFE = timedelta(seconds=0.9)


def work_until_ready(app: Flask, failures: list[BaseException]) -> None:
    """A worker: does the meetings that are due, until none is left."""
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            with app.app_context():
                unfinished = Task.state.in_(("waiting", "running"))
                mine = (Task.kind == "meeting.create") & unfinished
                left = list(db.session.scalars(select(Task.id).where(mine).order_by(Task.due_at)))
                db.session.remove()
                if not left:
                    return
                for task_id in left:
                    tasks.run(task_id)
            time.sleep(0.02)
    except BaseException as error:  # noqa: BLE001  (told by the test)
        failures.append(error)


def test_two_workers_refresh_once_an_expiry_and_make_every_meeting(
    app: Flask, sandbox: Sandbox
) -> None:
    sandbox.choose(expires_in=1)
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    page = make_page(host, auto_zoom=True, duration=20)
    first = (utcnow() + timedelta(days=2)).replace(hour=1, minute=0, second=0, microsecond=0)
    for number in range(BOOKINGS):
        make_booking(page, first + timedelta(minutes=20 * number))
    # Slow enough for tokens to run out on the way, however fast the machine is.
    slow = {"kind": "slow", "count": BOOKINGS, "seconds": 0.1}
    requests.post(f"{sandbox.url}/api/faults", json=slow, timeout=10).raise_for_status()
    failures: list[BaseException] = []
    workers = [threading.Thread(target=work_until_ready, args=(app, failures)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=PATIENCE + 30)
    assert failures == []

    db.session.expire_all()
    bookings = db.session.scalars(select(Booking)).all()
    assert {booking.meeting_state for booking in bookings} == {"ready"}
    meetings = sandbox.get("meetings")
    assert len(meetings) == BOOKINGS
    assert {meeting["id"] for meeting in meetings} == {row.meeting.external_id for row in bookings}
    assert reread(host.id).status == "active"

    # The first call to the token address is the exchange of the code.
    refreshes = [call for call in sandbox.get("calls") if call["path"] == "/oauth/token"][1:]
    assert refreshes, "no token ran out: this test has shown nothing"
    assert {call["status"] for call in refreshes} == {200}
    began = [datetime.fromisoformat(call["at"]) for call in refreshes]
    # The sandbox tells milliseconds.
    for earlier, later in pairwise(began):
        assert later - earlier >= SHORTEST_LIFE - timedelta(milliseconds=2)
