"""What is over is forgotten: webhook events that Zoom will not send again, sign-ins that ended."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.accounts.models import SignIn
from app.accounts.service import begin_session, find_by_session
from app.core.clock import utcnow
from app.db import db
from app.tasks import sweep as sweeping
from app.tasks.sweep import sweep
from app.zoom.models import ZoomEvent
from tests.support.cast import make_host


@pytest.fixture(autouse=True)
def _due(app: Flask) -> Iterator[None]:
    """The scheduler has just started."""
    app.extensions.pop(sweeping.FORGET, None)
    yield
    app.extensions.pop(sweeping.FORGET, None)


def add_events(count: int, received_at: datetime) -> None:
    for number in range(count):
        digest = f"{received_at.isoformat()} {number}"
        event = ZoomEvent(digest=digest, event="app_deauthorized", received_at=received_at)
        db.session.add(event)
    db.session.commit()


def kept(model: type) -> int:
    db.session.expire_all()
    return db.session.query(model).count()


def test_an_event_is_remembered_for_a_week(app: Flask) -> None:
    """Zoom's last retry comes after 5 + 20 + 60 minutes."""
    add_events(2, utcnow() - timedelta(days=7, minutes=1))
    add_events(3, utcnow() - timedelta(days=7) + timedelta(minutes=5))
    sweep()
    assert kept(ZoomEvent) == 3


def test_a_sign_in_is_kept_for_as_long_as_its_cookie(app: Flask) -> None:
    aya = make_host()
    old, young = begin_session(aya, "an old browser"), begin_session(aya, "a young one")
    [first, second] = db.session.query(SignIn).order_by(SignIn.id).all()
    first.created_at -= app.permanent_session_lifetime + timedelta(minutes=1)
    second.created_at -= app.permanent_session_lifetime - timedelta(minutes=5)
    db.session.commit()
    sweep()
    assert kept(SignIn) == 1
    assert find_by_session(old) is None
    assert find_by_session(young) is not None


def test_it_happens_once_an_hour(app: Flask) -> None:
    sweep()
    began = utcnow()
    add_events(1, began - timedelta(days=8))
    for minutes, left in ((59, 1), (61, 0)):
        with time_machine.travel(began + timedelta(minutes=minutes)):
            sweep()
        assert kept(ZoomEvent) == left


def test_a_heap_goes_bit_by_bit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MOST_FORGOTTEN", 2)
    began = utcnow()
    add_events(5, began - timedelta(days=8))
    for hours, left in ((0, 3), (2, 1), (4, 0)):
        with time_machine.travel(began + timedelta(hours=hours)):
            sweep()
        assert kept(ZoomEvent) == left
