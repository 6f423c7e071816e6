"""What a host offers on one booking page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

Hours = Sequence[tuple[int, int]]
ZERO = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A host's hours, and what else decides which starts are offered.

    Hours are pairs (opens, closes) of minutes after local midnight in `zone`, 0 to 1440,
    closes not included, in any order; pairs that touch or overlap are kept as one.
    `weekly` maps weekdays (Monday 0) to hours, one not named is closed. `overrides`
    replaces the hours of single days; an empty sequence is a day off.

    A slot lasts `duration`, and one may start every `increment` (None: every `duration`)
    from a window's opening. `buffer_before` and `buffer_after` stay free around it, and it
    starts no sooner than `notice` from now. It starts on a local day that is today or one of
    the next `horizon_days`, from `first_day` to `last_day`, both included, with fewer than
    `daily_limit` bookings; None sets no such bound. Raises ValueError for what makes no sense.
    """

    zone: ZoneInfo
    weekly: Mapping[int, Hours]
    overrides: Mapping[date, Hours] = field(default_factory=dict)
    duration: timedelta
    increment: timedelta | None = None
    buffer_before: timedelta = ZERO
    buffer_after: timedelta = ZERO
    notice: timedelta = ZERO
    horizon_days: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    daily_limit: int | None = None

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "weekly", {day: merged(h) for day, h in self.weekly.items()})
        object.__setattr__(self, "overrides", {day: merged(h) for day, h in self.overrides.items()})

    @property
    def step(self) -> timedelta:
        """The absolute time from one possible start to the next."""
        return self.duration if self.increment is None else self.increment

    def hours_on(self, day: date) -> Hours:
        """The hours of one local day, ascending and apart from one another."""
        override = self.overrides.get(day)
        return self.weekly.get(day.weekday(), ()) if override is None else override


def check(rules: Rules) -> None:
    """Raise ValueError for a value that makes no sense; merged() looks at the hours."""
    if not isinstance(rules.zone, tzinfo):
        raise ValueError(f"zone must be a ZoneInfo, not {rules.zone!r}")  # noqa: TRY004
    if min(rules.duration, rules.step) <= ZERO:
        raise ValueError("duration and increment must be positive")
    for name in ("buffer_before", "buffer_after", "notice", "horizon_days", "daily_limit"):
        value = getattr(rules, name)
        if value is not None and value < type(value)():
            raise ValueError(f"{name} must not be negative, not {value}")
    for weekday in rules.weekly:
        if weekday not in range(7):
            raise ValueError(f"a weekday is 0 (Monday) to 6 (Sunday), not {weekday!r}")
    first, last = rules.first_day or date.min, rules.last_day or date.max
    for day in (*rules.overrides, first, last):
        if isinstance(day, datetime) or not isinstance(day, date):
            raise ValueError(f"a local day is a plain date, not {day!r}")  # noqa: TRY004
    if last < first:
        raise ValueError(f"last_day {last} is before first_day {first}")


def merged(hours: Hours) -> Hours:
    """`hours` ascending, those that touch or overlap as one; each 0 <= opens < closes <= 1440."""
    apart: list[tuple[int, int]] = []
    for opens, closes in sorted(hours):
        if not 0 <= opens < closes <= 1440:
            raise ValueError(f"hours need 0 <= opens < closes <= 1440, not ({opens}, {closes})")
        if apart and opens <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], closes)
        else:
            apart.append((opens, closes))
    return tuple(apart)
