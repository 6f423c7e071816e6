"""What several files of this folder do with the app in the same words."""

import threading
import time
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, ClassVar

from icalendar import Calendar
from sqlalchemy import event, select, update

from app import tasks
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.outbox import Task

KEN, AYA = "ken@example.com", "aya@example.jp"


LINK = "https://zoom.example/j/85012345678?pwd=x"


def work() -> None:
    """Run what is due, as the worker does, until nothing is."""
    for _ in range(10):
        due = db.session.scalars(
            select(Task.id)
            .where(Task.state == "waiting", Task.due_at <= utcnow())
            .order_by(Task.id)
        ).all()
        for task_id in due:
            tasks.run(task_id)
        db.session.expire_all()
        if not due:
            return
    raise AssertionError("the same tasks fall due again and again")


def let_time_pass() -> None:
    """All pauses are over and all leases have run out. What is to happen shortly before a booking is
    not due yet."""
    past = utcnow() - timedelta(seconds=1)
    waits = Task.state == "waiting"
    db.session.execute(update(Task).where(waits, Task.kind != "meeting.check").values(due_at=past))
    db.session.execute(update(Task).where(Task.state == "running").values(lease_until=past))
    db.session.commit()


def states(booking: Booking) -> dict[str, str]:
    db.session.expire_all()
    return {task.kind: task.state for task in booking.tasks}


def task_of(booking: Booking, kind: str) -> Task:
    db.session.expire_all()
    return next(task for task in booking.tasks if task.kind == kind)


def event_of(mail: EmailMessage) -> Calendar:
    [invitation] = [part for part in mail.walk() if part.get_filename() == "invite.ics"]
    [event] = Calendar.from_ical(invitation.get_payload(decode=True)).walk("VEVENT")
    return event


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class Connections:
    """The app's connections, none of which waits long for a lock; and one that takes the lock."""

    PATIENCE: ClassVar = {
        "sqlite": ("PRAGMA busy_timeout=100", "PRAGMA busy_timeout=15000"),
        "postgresql": ("SET lock_timeout='100ms'", "RESET lock_timeout"),
    }

    def __init__(self) -> None:
        self.engine = db.engine
        self.short, self.usual = self.PATIENCE[self.engine.dialect.name]
        self.holder: threading.Thread | None = None

    def __enter__(self) -> None:
        db.session.remove()
        event.listen(self.engine, "checkout", self._shorten)
        event.listen(self.engine, "checkin", self._restore)

    def __exit__(self, *_error: object) -> None:
        if self.holder is not None:
            self.holder.join()
        db.session.remove()
        event.remove(self.engine, "checkout", self._shorten)
        event.remove(self.engine, "checkin", self._restore)

    def hold(self, rows: Any, seconds: float) -> None:
        locked = threading.Event()

        def hold() -> None:
            with self.engine.connect() as other:
                other.execute(select(rows).with_for_update())
                locked.set()
                time.sleep(seconds)
                other.rollback()

        self.holder = threading.Thread(target=hold)
        self.holder.start()
        assert locked.wait(10)

    def _shorten(self, connection: Any, _record: object, _proxy: object) -> None:
        self._run(connection, self.short)

    def _restore(self, connection: Any, _record: object) -> None:
        self._run(connection, self.usual)

    def _run(self, connection: Any, statement: str) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()
