"""The benchmarks compare like with like, and run. How long anything takes is not asked here."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.availability import open_slots
from app.bookings.models import Booking
from app.db import db
from bench import book, engine, page
from bench.__main__ import TARGETS, Target, table
from bench.load import content_length
from bench.plain import EPOCH, blocks_in_seconds, integer_sweep, sweep, windows_in_seconds
from bench.stage import stage_on


@pytest.mark.parametrize("zone", engine.ZONES)
@pytest.mark.parametrize("spans", [0, 40, 200])
def test_the_plain_sweep_and_its_floor_find_what_the_engine_finds(zone: str, spans: int) -> None:
    rules, busy, now = engine.rules_of(zone, 30), engine.busy_of(30, spans), engine.NOW
    end = now + timedelta(days=30)
    found = open_slots(rules, busy, now=now, start=now, end=end)
    assert found
    assert integer_sweep(rules, busy, now, now, end) == found
    floor = sweep(
        windows_in_seconds(rules, now, end),
        blocks_in_seconds(rules, busy),
        30 * 60,
        15 * 60,
        int((now + rules.notice).timestamp()),
        int(end.timestamp()),
    )
    assert [EPOCH + timedelta(seconds=second) for second in floor] == found


def test_a_case_of_the_page_runs_and_tells_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_on("sqlite", f"sqlite:///{tmp_path}/calsync.db", tmp_path, bookings=220)
    try:
        page.measure(stage, seconds=0, turns=1)
    finally:
        with stage.app.app_context():
            db.engine.dispose()
    told = json.loads(capsys.readouterr().out)
    assert told["statements"] == told["statements_without_bookings"]
    assert told["bytes"] > told["bytes_gzip"] > 0


def test_bookings_over_http_are_inserted_again_as_they_were(
    tmp_path: Path, valkey: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_on("sqlite", f"sqlite:///{tmp_path}/calsync.db", tmp_path, valkey, bookings=3)
    try:
        book.measure(stage, forms=12, rounds=1)
        with stage.app.app_context():
            kept = db.session.scalars(select(Booking).join(Booking.client)).all()
            assert len([one for one in kept if one.tasks]) == 12
            assert {len(one.tasks) for one in kept} == {0, 3}
    finally:
        with stage.app.app_context():
            db.engine.dispose()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["bookings"] == 12
    assert told["floor_a_second"] > 0


def test_every_target_asks_for_a_figure_that_the_worst_case_gives() -> None:
    results = [
        {"bench": "page", "database": "sqlite", "to_bare": ratio, "zone": zone}
        for zone, ratio in (("a", 11.5), ("b", 17.0))
    ]
    (target,) = [target for target in TARGETS if target.figure_in(results)]
    assert target.figure_in(results) == 17.0
    assert [target.standing(ratio) for ratio in (11.5, 17.0, 18.5)] == [
        "aim reached",
        "reached",
        "missed",
    ]
    assert "missed" not in table(results)


def test_more_can_be_better() -> None:
    target = Target("pages", "serve", "pages_a_second", 300, 500, {}, more_is_better=True)
    assert target.figure_in([{"bench": "serve", "pages_a_second": n} for n in (310, 600)]) == 310
    assert target.standing(310) == "reached"


def test_the_load_takes_nothing_but_whole_pages() -> None:
    assert content_length(b"http/1.1 200 ok\r\ncontent-length: 12\r\n\r\n") == 12
    for wrong in (b"http/1.1 503 x\r\ncontent-length: 1\r\n\r\n", b"http/1.1 200 ok\r\n\r\n"):
        with pytest.raises(ValueError, match=r"not the answer|how long"):
            content_length(wrong)
