"""Days, times, lengths and zones in words, in the language in force.

Flask-Babel would format each date anew (0.02 ms); here the names are looked up once a language.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_day_names, get_month_names, get_timezone_name
from babel.lists import format_list

from .language import current_language, gettext, ngettext
from .zones import canonical_zone

NAMELESS = ("Unknown", "world (", "不明", "世界（")  # in what CLDR makes up for a zone it lacks
_CITY = re.compile(r"\s*[(（].*[)）]")


def weekday_names(width: str = "abbreviated") -> list[str]:
    """Names from Monday on."""
    return list(_names(current_language()).weekdays[width])


def day_in_words(day: date) -> str:
    """`Tuesday 8 December 2026`, `2026年12月8日(火)`."""
    return _day_in_words(day, current_language())


@lru_cache(maxsize=2048)
def _day_in_words(day: date, language: str) -> str:
    names = _names(language)
    if language == "ja":
        weekday = names.weekdays["abbreviated"][day.weekday()]
        return f"{day.year}年{day.month}月{day.day}日({weekday})"
    weekday = names.weekdays["wide"][day.weekday()]
    return f"{weekday} {day.day} {names.months[day.month]} {day.year}"


def short_day(day: date) -> str:
    """`Tue 8 Dec`, `12月8日(火)`."""
    names = _names(current_language())
    weekday = names.weekdays["abbreviated"][day.weekday()]
    if current_language() == "ja":
        return f"{day.month}月{day.day}日({weekday})"
    return f"{weekday} {day.day} {names.short_months[day.month]}"


def month_in_words(day: date) -> str:
    """`December 2026`, `2026年12月`."""
    if current_language() == "ja":
        return f"{day.year}年{day.month}月"
    return f"{_names(current_language()).months[day.month]} {day.year}"


def clock_time(at: datetime, zone: ZoneInfo) -> str:
    """`10:30` on the clocks of `zone`; `01:30 (UTC−4)` where that day has two 01:30."""
    local = at.astimezone(zone)
    words = f"{local.hour:02}:{local.minute:02}"
    return f"{words} ({_offset_of(local)})" if _comes_twice(local) else words


def time_range(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """`10:30–11:00` on the clocks of `zone`. An end that comes twice that day names its offset,
    two ends on one offset name it once: `01:00–01:30 (UTC−4)`."""
    first, last = starts_at.astimezone(zone), ends_at.astimezone(zone)
    shares_offset = first.utcoffset() == last.utcoffset()
    if shares_offset and _comes_twice(first) and _comes_twice(last):
        return f"{first:%H:%M}–{clock_time(last, zone)}"
    return f"{clock_time(first, zone)}–{clock_time(last, zone)}"


def _comes_twice(local: datetime) -> bool:
    """Whether the clock shows this time twice. Of an instant's local time the readings of both
    folds differ in an autumn's hour alone: no instant is in a spring's gap."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def zone_in_words(zone: ZoneInfo, at: datetime, until: datetime | None = None) -> str:
    """The zone with its offset on that date: `Japan Time (Tokyo), UTC+9`,
    `日本時間 (Asia/Tokyo)、UTC+9`. Where it is another one at `until`, both are told."""
    first, last = (_offset_of(moment.astimezone(zone)) for moment in (at, until or at))
    offset = (
        first if first == last else gettext("%(first)s, then %(second)s", first=first, second=last)
    )
    language = current_language()
    name, place = _zone_name(zone.key, language)
    if not name:
        return f"{offset} ({place})"
    if place == "UTC":
        return f"{name} ({place})"
    return f"{name} ({place}){'、' if language == 'ja' else ', '}{offset}"


def zone_name(zone: ZoneInfo | str) -> str:
    """The zone for a list over many dates, without an offset: `Pacific Time (Los Angeles)`."""
    name, place = _zone_name(zone if isinstance(zone, str) else zone.key, current_language())
    return f"{name} ({place})" if name else place


def _offset_of(local: datetime) -> str:
    return offset_in_words(local.utcoffset() or timedelta())


def offset_in_words(offset: timedelta) -> str:
    """`UTC+9`, `UTC−3:30`, `UTC`."""
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "−"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def length_in_words(minutes: int) -> str:
    """`45 minutes`, `2 hours`, `1 day`; `45分`, `2時間`, `1日`."""
    if minutes and minutes % 1440 == 0:
        return ngettext("%(num)d day", "%(num)d days", minutes // 1440)
    if minutes and minutes % 60 == 0:
        return ngettext("%(num)d hour", "%(num)d hours", minutes // 60)
    return ngettext("%(num)d minute", "%(num)d minutes", minutes)


def leads_in_words(minutes: Sequence[int]) -> str:
    """`1 day and 1 hour before`, `1日前、1時間前`."""
    lengths = [length_in_words(lead) for lead in minutes]
    if current_language() == "ja":
        return "、".join(f"{length}前" for length in lengths)
    return gettext("%(lengths)s before", lengths=format_list(lengths, locale="en_GB"))


@dataclass(frozen=True)
class _Names:
    weekdays: dict[str, tuple[str, ...]]
    months: dict[int, str]
    short_months: dict[int, str]


@lru_cache
def _names(language: str) -> _Names:
    locale = Locale.parse(language)
    return _Names(
        weekdays={
            width: tuple(get_day_names(width, locale=locale)[day] for day in range(7))
            for width in ("wide", "abbreviated")
        },
        months=dict(get_month_names("wide", locale=locale)),
        short_months=dict(get_month_names("abbreviated", locale=locale)),
    )


@lru_cache(maxsize=2048)
def _zone_name(key: str, language: str) -> tuple[str, str]:
    """The clock as people name it, all year round, and its place: the city in English, the
    whole id in Japanese. An empty name where CLDR has none that makes sense.

    The name of the season is left to the offset: Ireland's rules call winter the time saved,
    and CLDR's names would be the wrong way round.
    """
    key = canonical_zone(key)
    place = key if language == "ja" or "/" not in key else key.rpartition("/")[2].replace("_", " ")
    if key == "UTC":
        return get_timezone_name(ZoneInfo(key), zone_variant="standard", locale=language), place
    if key.startswith("Etc/"):
        return "", key
    name = get_timezone_name(ZoneInfo(key), zone_variant="generic", locale=language)
    if any(word in name for word in NAMELESS):
        return "", key
    # CLDR adds the city to a country of several zones; here it follows anyway.
    return _CITY.sub("", name), place
