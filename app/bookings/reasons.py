"""Why is nothing open? For the host, told by the slot engine itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ..availability import Rules, Span, open_slots
from ..booking_pages.offerings import Offering
from ..core.clock import utcnow
from .month import days_of
from .openings import absences, booked_per_day, booked_spans, bounds_of, reach_of


class Reason(StrEnum):
    """What closes a day, in the order in which the rules are lifted."""

    BOOKED = "booked"
    TIME_OFF = "time_off"
    LIMIT = "limit"
    NOTICE = "notice"
    HORIZON = "horizon"
    PERIOD = "period"
    HOLIDAY = "holiday"
    OVERRIDE = "override"
    PAST = "past"
    HOURS = "hours"


@dataclass(frozen=True)
class Situation:
    """What the engine is asked with."""

    rules: Rules
    now: datetime
    start: datetime
    end: datetime
    bookings: Iterable[Span] = ()
    absences: Iterable[Span] = ()
    booked: dict[date, int] = field(default_factory=dict)

    def open_days(self, zone: ZoneInfo) -> set[date]:
        """The days with an open start, on the clocks of `zone`."""
        slots = open_slots(
            self.rules,
            [*self.bookings, *self.absences],
            now=self.now,
            start=self.start,
            end=self.end,
            booked_per_day=self.booked,
        )
        return {slot.astimezone(zone).date() for slot in slots}


def why_closed(offering: Offering, month: date, zone: ZoneInfo) -> dict[date, Reason]:
    """Each day of the month without an open start, and what takes it.

    The engine decides again with one more rule lifted each time, the outermost first: the
    lift that opens a day names its reason. What never opens is outside the hours.
    """
    situation = _situation(offering, month, zone)
    closed = set(days_of(month)) - situation.open_days(zone)
    reasons: dict[date, Reason] = {}
    for reason, lifted in _lifts(offering, situation):
        opened = closed & lifted.open_days(zone)
        reasons |= dict.fromkeys(opened, reason)
        closed -= opened
    return reasons | dict.fromkeys(closed, Reason.HOURS)


def _situation(offering: Offering, month: date, zone: ZoneInfo) -> Situation:
    start, end = bounds_of(month, zone)
    rules = offering.rules_between(start, end)
    reach = reach_of(rules, start, end)
    return Situation(
        rules,
        utcnow(),
        start,
        end,
        bookings=booked_spans(offering.page.user_id, *reach),
        absences=absences(offering.page.user_id, *reach),
        booked=dict(booked_per_day(offering, start, end)),
    )


def _lifts(offering: Offering, situation: Situation) -> Iterable[tuple[Reason, Situation]]:
    def lift(reason: Reason, **changes: object) -> tuple[Reason, Situation]:
        nonlocal situation
        situation = replace(situation, **changes)  # type: ignore[arg-type]
        return reason, situation

    def lift_rules(reason: Reason, **changes: object) -> tuple[Reason, Situation]:
        return lift(reason, rules=replace(situation.rules, **changes))  # type: ignore[arg-type]

    yield lift(Reason.BOOKED, bookings=())
    yield lift(Reason.TIME_OFF, absences=())
    yield lift_rules(Reason.LIMIT, daily_limit=None)
    yield lift_rules(Reason.NOTICE, notice=timedelta(0))
    yield lift_rules(Reason.HORIZON, horizon_days=None)
    yield lift_rules(Reason.PERIOD, first_day=None, last_day=None)
    named = {day for day, _opens, _closes in offering.overrides}
    kept = {day: hours for day, hours in situation.rules.overrides.items() if day in named}
    yield lift_rules(Reason.HOLIDAY, overrides=kept)
    yield lift_rules(Reason.OVERRIDE, overrides={})
    yield lift(Reason.PAST, now=min(situation.now, situation.start))
