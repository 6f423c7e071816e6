"""From a client's press of the button to both mails, and CalSync's own time in a task.

`make run`'s processes on each database, with the sandbox answering at once: five bookings a
second, each for a page with Auto-create on, so meeting and mails are what a client waits for.
Then tasks are run in this process, and the time that Zoom, the mail server and RQ take is taken
out; and empty jobs go through RQ's two kinds of worker, to tell what is RQ's.
"""

import smtplib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import psycopg
import requests
from redis import Redis
from requests.adapters import HTTPAdapter
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from app import create_app
from app.booking_pages.models import BookingPage
from app.booking_pages.offerings import offering_of
from app.bookings import service
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.bookings.openings import open_starts
from app.core.clock import utcnow
from app.core.config import load_settings
from app.db import db
from app.outbox import queue
from app.tasks import run
from bench.measure import tell
from tests.journey.people import Host
from tests.support.cast import make_client
from tests.support.services import create_database, running_postgres, running_valkey, wait_until
from tests.support.stack import Stack, running_stack
from tests.support.visitor import Form, OverHttp, Visitor

BOOKINGS, A_SECOND, DOMAIN = 100, 5, "rush.example"
OWN, JOBS = 40, 200
SLUG = "aya-rush"
# What is not CalSync's own: Zoom, the mail server and RQ.
WIRE: Mapping[type | ModuleType, tuple[str, ...]] = {
    HTTPAdapter: ("send",),
    queue: ("push",),
    smtplib.SMTP: ("connect", "ehlo", "mail", "rcpt", "data", "quit"),
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name, ExitStack() as cases:
        folder = Path(name)
        redis_url = cases.enter_context(running_valkey(folder))
        measure_workers(redis_url)
        for database in ("sqlite", "postgresql"):
            with ExitStack() as stack:
                environ = {"RATELIMIT_ENABLED": "false", "SWEEP_SECONDS": "60"}
                if database == "postgresql":
                    server = stack.enter_context(running_postgres(folder / "postgres"))
                    environ["DATABASE_URL"] = create_database(server, "calsync_bench")
                instance = folder / database
                calsync = stack.enter_context(running_stack(instance, **environ))
                measure_delivery(calsync, database)
                measure_own_time(calsync, database, environ, redis_url)


def measure_delivery(stack: Stack, database: str) -> None:
    settings = {"daily_limit": 10_000}  # Zoom's own is 100
    requests.post(f"{stack.sandbox}/api/settings", json=settings, timeout=10).raise_for_status()
    aya = Host(stack, "aya", "Aya Sato")
    aya.sign_up()
    aya.connect_zoom()
    aya.make_page(SLUG, auto_zoom="y", duration=15)
    forms = list(forms_of(stack, BOOKINGS + 2))
    for number, form in enumerate(forms[:2]):  # the first loads what every later one uses
        form.send(name="Ken", email=f"warm{number}@{DOMAIN}")
    wait_until(lambda: len(arrivals(stack)) >= 4, "the first mails", patience=60)
    pressed: dict[str, float] = {}
    sent = []
    began = time.monotonic()
    with ThreadPoolExecutor(8) as crowd:
        for number, form in enumerate(forms[2:]):
            time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            sent.append(crowd.submit(press, form, f"ken{number}@{DOMAIN}", pressed))
    for answer in sent:
        answer.result()
    wait_until(lambda: len(arrivals(stack)) >= 2 * len(forms), "all mails", patience=120)
    times = sorted(
        max(at) - pressed[email]
        for email, at in by_client(stack).items()
        if email in pressed and len(at) == 2
    )
    assert len(times) == BOOKINGS
    tell(
        bench="mails",
        database=database,
        bookings=len(times),
        a_second=A_SECOND,
        p50_ms=round(times[len(times) // 2] * 1000),
        p95_ms=round(times[len(times) * 95 // 100] * 1000),
    )


def forms_of(stack: Stack, count: int) -> Iterator[Form]:
    """The forms of the page's first open times, from next month on."""
    client = Visitor(OverHttp(stack.base))
    month = (utcnow().replace(day=1) + timedelta(days=32)).date()
    page = client.get(f"/b/{SLUG}?month={month:%Y-%m}")
    found = 0
    for day in [str(link["href"]) for link in page.all("a.day")]:
        for link in client.get(day).all("a.time"):
            if found == count:
                return
            found += 1
            yield client.get(str(link["href"])).form("Book this time")


def press(form: Form, email: str, pressed: dict[str, float]) -> None:
    data = dict(form.fields) | {"name": "Ken Yamada", "email": email}
    pressed[email] = time.time()
    answer = requests.post(
        form.page.url,
        data=data,
        headers={"Accept-Language": "en"},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.status_code == 303, answer.status_code


def arrivals(stack: Stack) -> list[dict[str, Any]]:
    answer = requests.get(f"{stack.sandbox}/api/mails", timeout=30)
    return [mail for mail in answer.json() if mail["calendars"]]


def by_client(stack: Stack) -> dict[str, list[float]]:
    """When the mails of each client's booking came: theirs, and their host's, who may reply to them."""
    found: dict[str, list[float]] = {}
    for mail in arrivals(stack):
        headers = {name.lower(): text for name, text in dict(mail["headers"]).items()}
        client = next(
            address for address in (mail["to"], headers.get("reply-to", "")) if DOMAIN in address
        )
        email = client.rpartition("<")[2].rstrip(">")
        at = datetime.fromisoformat(mail["received_at"]).astimezone(UTC).timestamp()
        found.setdefault(email, []).append(at)
    return found


def measure_own_time(stack: Stack, database: str, environ: dict[str, str], redis_url: str) -> None:
    """Tasks run here, on the stack's database, Zoom and mail server; no worker hears of them."""
    port = stack.base.rpartition(":")[2]
    here = {"INSTANCE_PATH": str(stack.instance), "REDIS_URL": redis_url, "PORT": port}
    app = create_app(load_settings(environ | here | {"LOG_LEVEL": "ERROR"}))
    own: dict[str, list[float]] = {}
    waits: dict[str, list[float]] = {}
    with app.app_context():
        page = db.session.scalars(select(BookingPage)).one()
        starts = open_starts(offering_of(page.id), utcnow(), utcnow() + timedelta(days=60))[-OWN:]
        ids = [
            service.book(page, start, make_client(), f"own{number}").id
            for number, start in enumerate(starts)
        ]
    with timed(WIRE) as wire, timed({psycopg.Connection: ("wait",)}) as server:
        for booking_id in ids:
            with app.app_context():
                tasks = [
                    (task.id, task.kind) for task in db.session.get_one(Booking, booking_id).tasks
                ]
            for task_id, kind in tasks:
                wire.clear()
                server.clear()
                began = time.perf_counter()
                with app.app_context():
                    run(task_id)
                own.setdefault(kind, []).append(time.perf_counter() - began - sum(wire))
                waits.setdefault(kind, []).append(sum(server))
    with app.app_context():
        states = set(db.session.scalars(select(Meeting.state)).all())
        db.engine.dispose()
    assert states == {"ready"}, states
    medians = {kind: statistics.median(times) * 1000 for kind, times in own.items()}
    tell(
        bench="tasks",
        database=database,
        own_ms=round(max(medians.values()), 2),
        **{kind: round(ms, 2) for kind, ms in medians.items()},
        **{
            f"{kind}, waiting for the server": round(statistics.median(times) * 1000, 2)
            for kind, times in waits.items()
            if any(times)
        },
    )


@contextmanager
def timed(calls: Mapping[type | ModuleType, Iterable[str]]) -> Iterator[list[float]]:
    """The seconds that these functions of these owners take meanwhile, one entry a call."""
    spent: list[float] = []

    def measured(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                spent.append(time.perf_counter() - began)

        return wrapped

    with ExitStack() as patches:
        for owner, names in calls.items():
            for name in names:
                patches.enter_context(patch.object(owner, name, measured(getattr(owner, name))))
        yield spent


def measure_workers(redis_url: str) -> None:
    """Milliseconds for an empty job, in RQ's worker that forks and in the one that does not."""
    connection = Redis.from_url(redis_url)
    empty = Queue("empty", connection=connection, serializer=JSONSerializer)
    figures = {}
    for kind in (SimpleWorker, Worker):
        for _ in range(JOBS):
            empty.enqueue("time.time", result_ttl=0)
        worker = kind([empty], connection=connection, serializer=JSONSerializer)
        worker.log_job_description = False
        began = time.perf_counter()
        worker.work(burst=True, logging_level="ERROR")
        figures[kind.__name__] = round((time.perf_counter() - began) / JOBS * 1000, 2)
    tell(bench="workers", jobs=JOBS, **figures)


if __name__ == "__main__":
    main()
