"""The host's lists at scale: 100,000 bookings of one host beside a thousand hosts with a hundred each.

In-process, signed in, warm: the whole request. How many statements each takes is told too, beside those of
a host with a hundred.
"""

import gc
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from flask import Flask
from sqlalchemy import select, text

from app.accounts.feed import make_feed
from app.accounts.models import User
from app.accounts.service import begin_session
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.desk.filters import Place
from app.notifications import feed
from app.settings import diagnosis
from bench import crowded
from bench.measure import FEWEST_RUNS, tell
from bench.page import BASE, counting
from bench.stage import stage_on
from tests.support.services import create_database, running_postgres

OWN, HOSTS, EACH = 100_000, 1_000, 100
PAGES = 5
SECONDS = 0.5  # a row
SEARCHES = {
    "found, rare": "佐々木",
    "found, two characters": "田中",
    "in every one": "client",
    "nothing": "nobody at all",
}


@dataclass
class Reader:
    """A host at a browser that is signed in."""

    app: Flask
    host_id: int

    def __post_init__(self) -> None:
        with self.app.app_context():
            host = db.session.get_one(User, self.host_id)
            token = begin_session(host, "bench")
            self.feed = f"/feed/{make_feed(host)}.ics"
        self.client = self.app.test_client()
        with self.client.session_transaction(base_url=BASE) as session:
            session["_user_id"], session["_fresh"] = token, True

    def get(self, address: str, **headers: str) -> Any:
        answer = self.client.get(address, base_url=BASE, headers=headers)
        assert answer.status_code in {200, 304}, (address, answer.status_code)
        return answer


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="calsync-lists-") as name,
        running_postgres(Path(name, "postgres")) as server,
    ):
        urls = {
            "sqlite": f"sqlite:///{name}/calsync.db",
            "postgresql": create_database(server, "calsync_lists"),
        }
        for database, url in urls.items():
            stage = stage_on(database, url, Path(name), bookings=0)
            measure(stage.app, database)
            with stage.app.app_context():
                db.engine.dispose()


def measure(
    app: Flask, database: str, *, own: int = OWN, hosts: int = HOSTS, seconds: float = SECONDS
) -> None:
    """Fill the database of `app` and tell each figure."""
    began = time.perf_counter()
    with app.app_context():
        one = crowded.one_host(PAGES)
        others = crowded.many_hosts(hosts)
        crowded.fill([one], own, 1_000_000)
        crowded.fill(others, EACH, 2_000_000)
        crowded.settle()
    tell(
        bench="lists", database=database, what="filling", seconds=round(time.perf_counter() - began)
    )
    big, small = Reader(app, one.id), Reader(app, others[len(others) // 2].id)
    rows = dict(addresses(app, one.id, one.pages[0][0]))
    few = dict(addresses(app, small.host_id, others[len(others) // 2].pages[0][0]))
    for what, address in rows.items():
        works = (lambda a=address: big.get(a)), (lambda a=few[what]: small.get(a))
        counts = [statements_of(app, work) for work in works]
        tell_times(
            database, what, *(times_ms(app, work, seconds) for work in works),
            statements=counts[0], statements_small=counts[1],
        )  # fmt: skip
    diagnose(app, database, (big, small), seconds)
    measure_feed(app, database, (big, small), seconds)
    measure_csv(database, big)


def addresses(app: Flask, host_id: int, page_id: int) -> Iterator[tuple[str, str]]:
    """Each list by what it shows."""
    listed = "/dashboard/bookings"
    with app.app_context():
        own = select(Booking).where(Booking.host_id == host_id)
        deep = db.session.scalars(own.order_by(Booking.starts_at).limit(1).offset(9)).one()
        ahead = db.session.scalars(own.order_by(Booking.starts_at.desc()).limit(1).offset(8)).one()
        reference = ahead.public_id
        back, on = (Place(each.starts_at, each.id) for each in (deep, ahead))
    month = (utcnow() - timedelta(days=300)).date().replace(day=1)
    yield "dashboard", "/dashboard"
    for tab in ("upcoming", "past", "cancelled", "attention"):
        yield tab, f"{listed}?tab={tab}"
    yield "upcoming, the last", f"{listed}?after={on}"
    yield "past, the first", f"{listed}?tab=past&after={back}"
    yield "past, back from the first", f"{listed}?tab=past&before={back}"
    yield "past, one page", f"{listed}?tab=past&page_id={page_id}"
    yield "past, a month", f"{listed}?tab=past&from={month}&to={month + timedelta(days=29)}"
    for what, words in SEARCHES.items():
        yield f"past, search: {what}", f"{listed}?tab=past&q={quote(words)}"
    yield "past, search in one page: nothing", f"{listed}?tab=past&page_id={page_id}&q=nobody"
    yield "cancelled, search: nothing", f"{listed}?tab=cancelled&q=nobody"
    yield "one booking", f"{listed}/{reference}"


def statements_of(app: Flask, work: Callable[[], object]) -> int:
    with app.app_context(), counting() as statements:
        work()
    return len(statements)


def diagnose(app: Flask, database: str, readers: tuple[Reader, Reader], seconds: float) -> None:
    """What is asked of the database; Zoom's answer is not."""

    def ask(host_id: int) -> None:
        with app.app_context():
            diagnosis.diagnose(db.session.get_one(User, host_id))

    with patch.object(diagnosis, "_trouble_with_token", return_value=""):
        big, small = (times_ms(app, lambda r=reader: ask(r.host_id), seconds) for reader in readers)
    tell_times(database, "diagnosis", big, small)


def measure_feed(app: Flask, database: str, readers: tuple[Reader, Reader], seconds: float) -> None:
    """Unchanged, read by another reader, with one event new, and by a process that has just begun."""
    told: dict[str, list[Times]] = {}
    for reader in readers:
        answer = reader.get(reader.feed)
        etag, size = answer.headers["ETag"], len(answer.data)
        events = answer.data.count(b"BEGIN:VEVENT")

        def change(at: Reader = reader) -> None:
            about, kept, _size = feed.KEPT._hosts[at.host_id]
            some = dict(itertools.islice(kept.items(), len(kept) - 1))
            feed.KEPT.keep(at.host_id, about, some)
            at.get(at.feed)

        def begin(at: Reader = reader) -> None:
            feed.KEPT.keep(at.host_id, "", {})
            at.get(at.feed)

        works = {
            "feed, unchanged (304)": lambda at=reader, tag=etag: at.get(
                at.feed, **{"If-None-Match": tag}
            ),
            "feed, drawn before": lambda at=reader: at.get(at.feed),
            "feed, one event new": change,
            "feed, all drawn anew": begin,
        }
        for what, work in works.items():
            told.setdefault(what, []).append(times_ms(app, work, seconds))
        tell(bench="lists", database=database, what="feed", events=events, octets=size)
    for what, (big, small) in told.items():
        # What a process draws the first time is told, and has no target.
        tell_times(database, what, big, small, case="lists-cold" if "anew" in what else "lists")


@dataclass(frozen=True)
class Times:
    """Milliseconds of each run by the clock, and on average on a processor, of this process and the
    database's."""

    clock: list[float]
    busy: float


def times_ms(app: Flask, work: Callable[[], object], seconds: float) -> Times:
    """How long `work` takes, warm, over about `seconds`."""
    work()
    with app.app_context():
        backends = backends_of()
    gc.collect()
    clock: list[float] = []
    busy = busy_ms(backends)
    end = time.perf_counter() + seconds
    while len(clock) < FEWEST_RUNS or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        clock.append((time.perf_counter() - began) * 1000)
    return Times(clock, (busy_ms(backends) - busy) / len(clock))


def backends_of() -> list[Path]:
    """Where Linux tells for how long PostgreSQL's processes for this database have run; none of SQLite."""
    if db.engine.dialect.name == "sqlite":
        return []
    own = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    found = [Path(f"/proc/{pid}/stat") for pid in db.session.scalars(own)]
    db.session.rollback()
    return found


def busy_ms(backends: Sequence[Path]) -> float:
    """On a processor so far, in milliseconds: on a machine that others use, the clock tells more of them."""
    stats = [one.read_text().rpartition(")")[2].split() for one in backends if one.exists()]
    ticks = sum(int(stat[11]) + int(stat[12]) for stat in stats)
    return time.process_time() * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


def tell_times(
    database: str, what: str, big: Times, small: Times, *, case: str = "lists", **more: int
) -> None:
    """On processors; the median and the quickest by the clock; of the host with many bookings and of one with a
    hundred."""
    tell(
        bench=case, database=database, what=what,
        busy_ms=round(big.busy, 1),
        busy_ms_small=round(small.busy, 1),
        ms=round(statistics.median(big.clock), 1), best_ms=round(min(big.clock), 1),
        ms_small=round(statistics.median(small.clock), 1), best_ms_small=round(min(small.clock), 1),
        **more,
    )  # fmt: skip


def measure_csv(database: str, reader: Reader) -> None:
    began = time.perf_counter()
    lines = reader.get("/dashboard/bookings.csv?tab=past").data.count(b"\r\n")
    seconds = time.perf_counter() - began
    tell(bench="lists", database=database, what="CSV", rows=lines - 1, seconds=round(seconds, 1))


if __name__ == "__main__":
    main()
