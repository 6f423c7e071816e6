"""Bookings a second over HTTP, beside the same rows inserted by bare transactions (the floor).

Two web processes as Procfile.dev starts them, 16 kept connections, eight hosts with Auto-create
on. What is timed is the client's POST: the page's rules, the host's lock, the check, the booking
with its three tasks, the commit, and one of the tasks given to Valkey.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Engine, Row

from app.booker.forms import new_key
from app.booking_pages.offerings import offering_of
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from bench.measure import tell
from bench.rush import Rush, as_input
from bench.serve import HOST, web_processes
from bench.stage import Stage, month_begins, stages
from tests.support.cast import make_host, make_page

ROOT = Path(__file__).resolve().parent.parent
HOSTS, CONNECTIONS, ROUNDS = 8, 16, 3
FORMS = 600  # a round
# The stage's own bookings are named otherwise.
RUSHED = "bookings WHERE substr(public_id, 1, 5) <> 'bench'"
APART = timedelta(minutes=45)  # 30 minutes and a buffer


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage, forms: int = FORMS, rounds: int = ROUNDS) -> None:
    """The middle one of some rounds, and the floor of its rows."""
    with stage.app.app_context():
        pages = [add_page(number) for number in range(HOSTS)]
    results, floors = [], []
    with web_processes(stage) as port:
        for number in range(rounds):
            with stage.app.app_context():
                sent = list(forms_for(pages, range(number * forms, (number + 1) * forms)))
            results.append(run(Rush(HOST, port, sent, CONNECTIONS)))
            with stage.app.app_context():
                floors.append(insert_again(stage))
    results.sort(key=lambda result: result["bookings_a_second"])
    floors.sort()
    result, floor = results[rounds // 2], floors[rounds // 2]
    tell(
        bench="book",
        database=stage.database,
        connections=CONNECTIONS,
        **result,
        slowest=results[0]["bookings_a_second"],
        fastest=results[-1]["bookings_a_second"],
        floor_a_second=round(floor, 1),
        floor_to_bookings=round(floor / result["bookings_a_second"], 2),
    )


def add_page(number: int) -> int:
    """A page that takes a booking every 45 minutes, day and night; its id."""
    host = make_host(email=f"rush{number}@example.jp")
    page = make_page(
        host, slug=f"rush{number}", increment=45, buffer_after=15, horizon_days=None, auto_zoom=True
    )
    return page.id


def forms_for(pages: Sequence[int], numbers: range) -> Iterator[tuple[str, str]]:
    """What as many clients send, each for a slot of its own; the hosts take turns."""
    for number in numbers:
        page = offering_of(pages[number % HOSTS]).page
        # From midnight in Tokyo, where the page's grid begins.
        start = month_begins().astimezone(UTC) + number // HOSTS * APART
        yield (
            f"/b/{page.slug}/{start:{SLOT_FORM}}",
            urlencode(
                {
                    "name": "Ken Yamada",
                    "email": f"ken{number}@example.com",
                    "note": "The third quarter",
                    "timezone": "Europe/Berlin",
                    "key": new_key(page, start),
                }
            ),
        )


def run(rush: Rush) -> dict[str, float]:
    """One round by a client process. Raises CalledProcessError when a form was refused."""
    finished = subprocess.run(
        [sys.executable, "-m", "bench.rush"],
        cwd=ROOT,
        check=True,
        input=as_input(rush),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    result: dict[str, float] = json.loads(finished.stdout)
    return result


# A booking in parts, those that others point at first.
PARTS = ("attendees", "meetings", "holds", "tasks")


def insert_again(stage: Stage) -> float:
    """The bookings with their parts and tasks once more, each by a bare transaction: how many a
    second.

    As many connections as clients had on PostgreSQL; one on SQLite, where writers queue anyway.
    """
    with db.engine.begin() as connection:
        rows: dict[int, list[tuple[str, Row[Any]]]] = {
            booking.id: [("bookings", booking)]
            for booking in connection.exec_driver_sql(f"SELECT * FROM {RUSHED}")  # noqa: S608
        }
        for table in PARTS:
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):  # noqa: S608
                if row.booking_id in rows:
                    rows[row.booking_id].append((table, row))
        connection.exec_driver_sql(f"DELETE FROM {RUSHED}")  # noqa: S608  (the parts go along)
    units = list(rows.values())
    connections = 1 if stage.database == "sqlite" else CONNECTIONS
    shares = [units[first::connections] for first in range(connections)]
    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(insert_all, [db.engine] * connections, shares))
    return len(units) / (time.perf_counter() - began)


def insert_all(engine: Engine, units: Sequence[Sequence[tuple[str, Row[Any]]]]) -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    mark = "?" if is_sqlite else "%s"
    with engine.connect() as connection:
        for rows in units:
            if is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            for table, row in rows:
                marks = ", ".join([mark] * len(row))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row))  # noqa: S608
            connection.commit()


if __name__ == "__main__":
    main()
