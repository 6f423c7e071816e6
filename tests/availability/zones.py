"""When each zone of the database changed its offset, read from its TZif file (RFC 9636)."""

import struct
import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path

ALL = sorted(zoneinfo.available_timezones())
HEADER = struct.Struct(">4sc15x6l")
# Beyond its last listed change a zone may follow a yearly rule: found by asking every day.
RULE_UNTIL = 2045


@cache
def changes(key: str) -> list[datetime]:
    """The instants, in UTC and ascending, with which another offset begins, up to 2045."""
    listed = [datetime.fromtimestamp(at, UTC) for at, *_ in listed_changes(key)]
    yearly_rule = tzif(key).splitlines()[-1]
    if b"," not in yearly_rule:
        return listed
    # A package's file may list nothing but the rule.
    since = listed[-1] if listed else datetime(1970, 1, 1, tzinfo=UTC)
    return listed + changes_by_rule(zoneinfo.ZoneInfo(key), since=since)


def listed_changes(key: str) -> list[tuple[int, int, int]]:
    """(second since 1970, offset before, offset from then on), offsets in seconds."""
    content = tzif(key)
    first = HEADER.unpack_from(content)
    isut, isstd, leaps, times, types, chars = first[2:]
    # The second block repeats the first with 64-bit times.
    second = HEADER.size + times * 5 + types * 6 + chars + leaps * 8 + isstd + isut
    times, types = HEADER.unpack_from(content, second)[5:7]
    at = second + HEADER.size
    instants = struct.unpack_from(f">{times}q", content, at)
    kinds = content[at + times * 8 : at + times * 9]
    offsets = [
        struct.unpack_from(">l", content, at + times * 9 + kind * 6)[0] for kind in range(types)
    ]
    offset, found = offsets[0], []
    for instant, kind in zip(instants, kinds, strict=True):
        if offsets[kind] != offset:
            found.append((instant, offset, offsets[kind]))
            offset = offsets[kind]
    return found


def tzif(key: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        if (file := Path(folder, key)).is_file():
            return file.read_bytes()
    return resources.files("tzdata.zoneinfo").joinpath(key).read_bytes()


def changes_by_rule(zone: zoneinfo.ZoneInfo, since: datetime) -> list[datetime]:
    days = [since + timedelta(day) for day in range((RULE_UNTIL - since.year) * 365)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [
        first_second_of_another_offset(zone, days[i], days[i + 1])
        for i in range(len(days) - 1)
        if offsets[i] != offsets[i + 1]
    ]


def first_second_of_another_offset(
    zone: zoneinfo.ZoneInfo, before: datetime, after: datetime
) -> datetime:
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    return after
