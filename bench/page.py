"""The public page, in-process and warm, against a bare Flask reply that takes turns with it.

The page is a whole one: a month, a day's times, a host with 10,000 bookings, 200 of them in
that month. Another host's page without bookings must need as many statements.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.db import db
from bench.measure import take_turns, tell
from bench.stage import BOOKINGS, Stage, address_of, stages

BASE = "http://127.0.0.1"
SECONDS, TURNS = 6.0, 15


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage, seconds: float = SECONDS, turns: int = TURNS) -> None:
    busy, idle = address_of("busy"), address_of("idle")
    statements = statements_of(stage.app, busy)
    without = statements_of(stage.app, idle)
    assert statements == without, f"{statements} statements with bookings, {without} without"
    page = getter(stage.app, busy)
    compressed = getter(stage.app, busy, {"Accept-Encoding": "gzip"})
    times = take_turns(
        {
            "bare": getter(bare_app(), "/"),
            "page": page,
            "gzip": compressed,
            "idle": getter(stage.app, idle),
        },
        seconds,
        turns,
    )
    raw, packed = page(), compressed()
    assert gzip.decompress(packed) == raw
    tell(
        bench="page",
        database=stage.database,
        bookings=BOOKINGS,
        **{f"{name}_ms": round(ms, 3) for name, ms in times.medians_ms().items()},
        to_bare=round(times.ratio("page", "bare"), 1),
        gzip_to_bare=round(times.ratio("gzip", "bare"), 1),
        statements=statements,
        statements_without_bookings=without,
        bytes=len(raw),
        bytes_gzip=len(packed),
    )


def bare_app() -> Flask:
    """The least that Flask can answer."""
    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def getter(
    app: Flask, address: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Callable[[], bytes]:
    """Ask for the address and return the body, by a client without cookies."""
    client = app.test_client(use_cookies=False)
    asked = {"Accept-Language": "en", **headers}

    def get() -> bytes:
        answer = client.get(address, base_url=BASE, headers=asked)
        assert answer.status_code == 200
        return bytes(answer.data)

    return get


def statements_of(app: Flask, address: str) -> int:
    """How many statements the database is asked for the page."""
    get = getter(app, address)
    get()
    with app.app_context(), counting() as seen:
        get()
    return len(seen)


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


if __name__ == "__main__":
    main()
