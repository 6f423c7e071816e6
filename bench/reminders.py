"""Reminders that fall due in one minute: when the last has left, and what a booking's mails wait.

Real workers and a scheduler on each database, a real Valkey, and a mail server that takes everything
at once. Rows are planned for one moment a few seconds ahead. Beside ten thousand of them bookings
are made, whose mails have to pass.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from sqlalchemy import func, insert, select

from app.bookings import followups, service
from app.bookings.attendees import Attendee
from app.bookings.models import Booking
from app.bookings.reminders import Reminder
from app.core.clock import utcnow
from app.db import db
from app.outbox import State, Task
from bench.measure import tell
from bench.stage import Stage, add_page, client_of, row_of, stages
from tests.support.cast import make_client
from tests.support.services import free_ports, wait_until

CASES = ((1_000, 0), (10_000, 20))  # reminders, bookings beside them
LEAD = 60  # minutes
AHEAD = timedelta(seconds=8)  # processes are up by then
PROCESSES = (("worker", "mails"), ("worker", "mails"), ("scheduler",))
ROOT = Path(__file__).resolve().parent.parent


class Arrivals:
    """A mail server that keeps when each mail came, and its Message-ID."""

    def __init__(self) -> None:
        self.at: list[tuple[float, str]] = []

    async def handle_DATA(  # noqa: N802
        self, _server: object, _session: object, envelope: Envelope
    ) -> str:
        head, _blank, _body = bytes(envelope.original_content or b"").partition(b"\r\n\r\n")
        [own_id] = [line for line in head.split(b"\r\n") if line.startswith(b"Message-ID")]
        self.at.append((time.time(), own_id.decode()))
        return "250 OK"

    def of(self, occasion: str) -> list[tuple[float, str]]:
        return [one for one in self.at if f".{occasion}" in one[1]]


def main() -> None:
    with stages() as found:
        for stage in found:
            for count, bookings in CASES:
                measure(stage, count, bookings)


def measure(stage: Stage, count: int, bookings: int) -> None:
    """One line: seconds until the last has left, how many a second, and how long booking mails took."""
    server = Arrivals()
    mail = Controller(server, hostname="127.0.0.1", port=free_ports(1)[0])
    mail.start()
    try:
        with ExitStack() as parts:
            environment = stage.environment | {"SMTP_URL": f"smtp://127.0.0.1:{mail.port}"}
            with stage.app.app_context():
                moment = plan(count)
            spent = parts.enter_context(processes(environment))
            time.sleep(max(0.0, moment - time.time()))
            pressed = list(book(stage, bookings, server, count))
            wait_until(
                lambda: len(server.of("reminder")) >= count,
                "all reminders",
                patience=60 + count / 10,
            )
    finally:
        mail.stop()
    before, after = spent
    with stage.app.app_context():
        assert_settled(count)
    came = server.of("reminder")
    assert len({own_id for _at, own_id in came}) == len(came) == count
    tell(
        bench="reminders",
        database=stage.database,
        reminders=count,
        last_after_s=round(came[-1][0] - moment, 1),
        a_second=round(count / (came[-1][0] - moment)),
        # Two cores send at most 2,000 / this a second, whatever else the machine does.
        cpu_ms=round((after - before) / count * 1000, 2),
        out_of_order=disorder([number_in(own_id) for _at, own_id in came]),
        **({"booking_mail_s": round(max(waits(server, pressed)), 1)} if pressed else {}),
    )


def plan(count: int) -> float:
    """So many reminders due at one moment, a booking each; that moment in seconds since 1970."""
    page = add_page(f"many-{count}")
    due_at = utcnow().replace(microsecond=0) + AHEAD + timedelta(seconds=count / 2_000)
    starts_at = due_at + timedelta(minutes=LEAD)
    rows = [row_of(page, number, starts_at) for number in range(count)]
    for number, row in enumerate(rows):
        row |= {"public_id": f"r{count}n{number}", "ical_uid": f"r{count}n{number}"}
        row["idempotency_key"] = f"r{count}n{number}"
    returned = insert(Booking).returning(Booking, sort_by_parameter_order=True)
    made = db.session.scalars(returned, rows).all()
    sealed = [client_of(one.id, n) | {"token_hash": f"r{count}n{n}"} for n, one in enumerate(made)]
    clients = db.session.scalars(
        insert(Attendee).returning(Attendee.id, sort_by_parameter_order=True), sealed
    ).all()
    kind, reminder = followups.CLIENTS_REMINDER, Reminder(starts_at, LEAD, 0)
    tasks = [
        {
            "kind": kind, "booking_id": booking.id, "attendee_id": client,
            "dedupe_key": reminder.key(booking, kind), "due_at": due_at + timedelta(microseconds=n),
        }
        for n, (booking, client) in enumerate(zip(made, clients, strict=True))
    ]  # fmt: skip
    db.session.execute(insert(Task), tasks)
    db.session.commit()
    return due_at.timestamp()


@contextmanager
def processes(environment: dict[str, str]) -> Iterator[list[float]]:
    """Two workers for mails and a scheduler; afterwards, the processor seconds before and after
    them."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi"]
    running = [
        subprocess.Popen(  # noqa: S603
            [*command, *names], cwd=ROOT, env=os.environ | environment | {"LOG_LEVEL": "ERROR"}
        )
        for names in PROCESSES
    ]
    spent = [processor_seconds()]
    try:
        yield spent
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)
        spent.append(processor_seconds())


def processor_seconds() -> float:
    """Of this process' children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def book(stage: Stage, bookings: int, server: Arrivals, count: int) -> Iterator[tuple[str, float]]:
    """Bookings, one a second, once the reminders are on their way: reference and moment of each."""
    if not bookings:
        return
    wait_until(lambda: server.of("reminder"), "the first reminder", patience=60)
    with stage.app.app_context():
        page = add_page(f"beside-{count}")
        first = utcnow().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
        while first.weekday() != 0 or first.hour != 1:
            first += timedelta(hours=1)
        for number in range(bookings):
            start = first + timedelta(days=number // 2 // 5 * 7 + number // 2 % 5, hours=number % 2)
            made = service.book(page, start, make_client(), f"beside{count}-{number}")
            yield made.public_id, time.time()
            time.sleep(1)


def waits(server: Arrivals, pressed: Sequence[tuple[str, float]]) -> list[float]:
    """Of each booking, how long until both of its mails were there."""
    came = server.of("confirmed")
    return [
        max(at for at, own_id in came if reference in own_id) - booked_at
        for reference, booked_at in pressed
    ]


def number_in(own_id: str) -> int:
    return int(own_id.partition("n")[2].partition(".")[0]) if "<r" in own_id else -1


def disorder(numbers: Sequence[int]) -> int:
    """By how many places the one that came most out of turn was off."""
    return max(abs(place - number) for place, number in enumerate(numbers))


def assert_settled(count: int) -> None:
    """Each is done, and was tried once."""
    kind = Task.kind == followups.CLIENTS_REMINDER
    states = db.session.execute(
        select(Task.state, func.max(Task.attempts)).where(kind).group_by(Task.state)
    ).all()
    assert [tuple(row) for row in states] == [(State.DONE, 1)], (count, states)


if __name__ == "__main__":
    main()
