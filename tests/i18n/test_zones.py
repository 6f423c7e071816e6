"""Zone rules come from the pinned package, each zone has one name, and an hour that comes twice says
which it is."""

import os
import struct
import subprocess
import sys
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tzdata

from app import i18n
from app.i18n import zones
from tests.i18n.test_words import words

__all__ = ["words"]

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")
AUTUMN = datetime(2027, 11, 7, 5, 0, tzinfo=UTC)  # 01:00 EDT, and an hour later 01:00 EST
ASK = """
import zoneinfo
from datetime import datetime, timezone
from {module} import {name}
at = datetime(2026, 12, 8, 16, tzinfo=timezone.utc)
print(at.astimezone(zoneinfo.ZoneInfo("America/Vancouver")).strftime("%H:%M"))
"""


@pytest.fixture
def stale_files(tmp_path: Path) -> Path:
    """A machine's zone file that has Vancouver nine hours ahead for ever (RFC 9636, version 1)."""
    body = struct.pack(">lbb", 9 * 3600, 0, 0) + b"OLD\0"
    head = b"TZif" + b"\0" + b"\0" * 15 + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    (tmp_path / "America").mkdir()
    (tmp_path / "America" / "Vancouver").write_bytes(head + body)
    return tmp_path


@pytest.mark.parametrize(("module", "name"), [("app", "create_app"), ("sandbox", "settings")])
def test_a_machine_with_stale_zone_files_does_not_decide(
    stale_files: Path, module: str, name: str
) -> None:
    environ = os.environ | {"PYTHONTZPATH": str(stale_files)}
    before = "from zoneinfo import ZoneInfo; ZoneInfo('America/Vancouver')"
    ask = before + ASK.format(module=module, name=name)
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "09:00"


def test_the_package_decides_in_this_process_too() -> None:
    assert zoneinfo.TZPATH == ()
    assert zones.version_in_force() == tzdata.IANA_VERSION


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"), ("Asia/Saigon", "Asia/Ho_Chi_Minh"), ("Europe/Kiev", "Europe/Kyiv"),
        ("Asia/Katmandu", "Asia/Kathmandu"), ("US/Pacific", "America/Los_Angeles"), ("Japan", "Asia/Tokyo"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"), ("Etc/UTC", "UTC"), ("GMT", "UTC"),
        ("Europe/Amsterdam", "Europe/Amsterdam"), ("Asia/Tokyo", "Asia/Tokyo"), ("Nowhere", "Nowhere"),
    ],
)  # fmt: skip
def test_a_former_name_is_read_as_the_present_one(name: str, present: str) -> None:
    assert zones.canonical_zone(name) == present


@pytest.mark.parametrize(
    "name",
    ["localtime", "posixrules", "Factory", "Etc/Unknown", "+00:00", "posix/Asia/Tokyo", "right/UTC", "", None,
     "../etc/passwd", "asia/tokyo"],
)  # fmt: skip
def test_what_is_no_zone_is_none(name: str | None) -> None:
    assert zones.read_zone(name) is None


def test_the_zones_to_choose_from_are_each_there_once() -> None:
    chosen = zones.cities()
    assert {"Asia/Kolkata", "Europe/Kyiv", "America/Vancouver"} <= chosen
    assert not {"Asia/Calcutta", "Europe/Kiev", "US/Pacific"} & chosen


def test_of_an_hour_that_comes_twice_each_time_says_which() -> None:
    later = AUTUMN.replace(hour=6)
    assert i18n.clock_time(AUTUMN, NEW_YORK) == "01:00 (UTC−4)"
    assert i18n.clock_time(later, NEW_YORK) == "01:00 (UTC−5)"
    assert i18n.clock_time(AUTUMN.replace(hour=7), NEW_YORK) == "02:00"
    assert i18n.clock_time(AUTUMN.replace(hour=4), NEW_YORK) == "00:00"


def test_a_range_through_the_hour_that_comes_twice_can_be_read() -> None:
    half = AUTUMN.replace(minute=30)
    assert i18n.time_range(AUTUMN, half, NEW_YORK) == "01:00–01:30 (UTC−4)"
    assert i18n.time_range(half, AUTUMN.replace(hour=6), NEW_YORK) == "01:30 (UTC−4)–01:00 (UTC−5)"
    whole = i18n.time_range(AUTUMN.replace(hour=6, minute=30), AUTUMN.replace(hour=7), NEW_YORK)
    assert whole == "01:30 (UTC−5)–02:00"


@pytest.mark.parametrize("month", [1, 7])
def test_irelands_name_is_the_same_all_year(words: Callable, month: int) -> None:
    with words("en"):
        said = i18n.zone_in_words(ZoneInfo("Europe/Dublin"), datetime(2026, month, 1, tzinfo=UTC))
    assert said == f"Ireland Time (Dublin), {'UTC' if month == 1 else 'UTC+1'}"


def test_a_zone_that_nobody_named_is_told_by_its_offset(words: Callable) -> None:
    with words("ja"):
        assert i18n.zone_in_words(ZoneInfo("Antarctica/Troll"), AUTUMN) == "UTC (Antarctica/Troll)"
