"""The contract's sentences, and the faults that other calendars shipped, by example."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.availability import Span, open_slots
from tests.availability.page import LONG_AGO, MINUTE, hours, local, offered, page

MONDAY, TUESDAY, WEDNESDAY = "2026-06-01", "2026-06-02", "2026-06-03"
ONE = timedelta(microseconds=1)


def at(clock: str, day: str = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def span(start: str, end: str) -> Span:
    return Span(at(start), at(end))


class TestWindows:
    def test_a_slot_may_end_when_the_window_closes_and_no_later(self) -> None:
        assert offered(page("UTC", "09:00-10:30"), MONDAY) == ["09:00", "09:30", "10:00"]
        assert offered(page("UTC", "09:00-10:29"), MONDAY) == ["09:00", "09:30"]

    def test_a_window_shorter_than_a_slot_opens_nothing(self) -> None:
        assert offered(page("UTC", "09:00-09:29"), MONDAY) == []

    def test_without_an_increment_slots_step_by_their_duration(self) -> None:
        assert offered(page("UTC", "09:00-11:00", minutes=40), MONDAY) == [
            "09:00",
            "09:40",
            "10:20",
        ]

    def test_an_increment_need_not_divide_the_window(self) -> None:
        rules = page("UTC", "09:00-10:40", minutes=30, every=25)
        assert offered(rules, MONDAY) == ["09:00", "09:25", "09:50"]

    def test_an_increment_may_be_longer_than_the_slot(self) -> None:
        rules = page("UTC", "09:00-12:00", minutes=15, every=70)
        assert offered(rules, MONDAY) == ["09:00", "10:10", "11:20"]

    @pytest.mark.parametrize("second", ["10:00-11:15", "09:30-11:15"])
    def test_windows_that_touch_or_overlap_are_one(self, second: str) -> None:
        rules = page("UTC", second, "09:00-10:00", minutes=45)
        assert offered(rules, MONDAY) == ["09:00", "09:45", "10:30"]

    def test_a_window_within_another_adds_nothing(self) -> None:
        rules = page("UTC", "09:00-11:15", "09:30-10:00", minutes=45)
        assert offered(rules, MONDAY) == ["09:00", "09:45", "10:30"]

    def test_windows_apart_have_a_grid_each(self) -> None:
        rules = page("UTC", "09:00-10:00", "10:01-11:00", minutes=25)
        assert offered(rules, MONDAY) == ["09:00", "09:25", "10:01", "10:26"]

    def test_windows_that_touch_across_midnight_are_one(self) -> None:
        night = {0: hours("23:00-24:00"), 1: hours("00:00-01:00")}
        rules = page("Europe/Berlin", weekly=night, minutes=40)
        assert offered(rules, MONDAY, WEDNESDAY) == ["23:00", "23:40", "00:20"]
        assert offered(rules, TUESDAY, WEDNESDAY) == ["00:20"]

    def test_hours_may_last_until_midnight(self) -> None:
        assert offered(page("Asia/Tokyo", "23:00-24:00"), MONDAY) == ["23:00", "23:30"]

    def test_a_weekday_without_hours_is_closed(self) -> None:
        rules = page("UTC", weekly={1: hours("09:00-09:30")})
        assert offered(rules, MONDAY, WEDNESDAY, show="%a") == ["Tue"]

    def test_an_override_replaces_the_hours_of_its_day_alone(self) -> None:
        rules = page(
            "UTC",
            "09:00-09:30",
            overrides={date(2026, 6, 1): hours("14:00-14:30"), date(2026, 6, 2): ()},
        )
        shown = offered(rules, MONDAY, "2026-06-04", show="%d %H:%M")
        assert shown == ["01 14:00", "03 09:00"]

    def test_a_slot_may_last_longer_than_a_day(self) -> None:
        rules = page("UTC", weekly={0: hours("09:00-24:00"), 1: hours("00:00-24:00")}, minutes=1800)
        assert offered(rules, MONDAY, "2026-06-08") == ["09:00"]


class TestGrid:
    def test_it_runs_from_the_opening_wherever_the_question_begins(self) -> None:
        rules = page("UTC", "09:00-11:00", minutes=20)
        assert offered(rules, f"{MONDAY}T09:07", f"{MONDAY}T10:00") == ["09:20", "09:40"]

    def test_it_runs_from_an_opening_days_before_the_question(self) -> None:
        weekly = dict.fromkeys(range(7), hours("00:00-24:00")) | {5: hours("00:10-24:00")}
        rules = page("UTC", weekly=weekly, minutes=35)  # last opened on Saturday at 00:10
        shown = offered(rules, f"{MONDAY}T12:00", f"{MONDAY}T14:00")
        assert shown == ["12:15", "12:50", "13:25"]

    def test_it_runs_from_a_closing_months_ago_when_the_week_never_closes(self) -> None:
        closed = {date(2026, 1, 10): hours("00:00-08:00", "08:05-24:00"), date(2026, 7, 1): ()}
        rules = page("UTC", "00:00-24:00", minutes=50, overrides=closed)
        assert offered(rules, MONDAY, f"{MONDAY}T02:00") == ["00:05", "00:55", "01:45"]

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"])
    def test_it_runs_from_a_closing_earlier_that_day_when_the_week_never_closes(
        self, zone: str
    ) -> None:
        closed = {date(2026, 6, 1): hours("00:00-08:00", "08:05-24:00")}
        rules = page(zone, "00:00-24:00", minutes=50, overrides=closed)
        for since in ("08:00", "08:05", "08:30"):
            shown = offered(rules, f"{MONDAY}T{since}", f"{MONDAY}T10:00")
            assert shown == ["08:05", "08:55", "09:45"][since == "08:30" :]

    def test_hours_that_never_close_may_be_written_in_parts(self) -> None:
        whole = page("Asia/Tokyo", "00:00-24:00", minutes=50)
        parts = page("Asia/Tokyo", "12:00-24:00", "00:00-12:00", minutes=50)
        assert offered(parts, MONDAY) == offered(whole, MONDAY) != []

    def test_hours_that_never_close_keep_one_even_grid(self) -> None:
        rules = page("Asia/Kolkata", "00:00-24:00", minutes=50)
        anchor = local(rules, "2024-01-01")
        slots = open_slots(rules, [], now=LONG_AGO, start=at("00:00"), end=at("00:00", WEDNESDAY))
        assert slots[0] < at("00:50")
        assert {later - slot for slot, later in pairwise(slots)} == {50 * MINUTE}
        assert (slots[0] - anchor) % (50 * MINUTE) == timedelta(0)

    def test_hours_that_never_close_start_on_the_hosts_round_hours(self) -> None:
        rules = page("Asia/Kathmandu", "00:00-24:00", minutes=60)
        assert offered(rules, f"{MONDAY}T00:00", f"{MONDAY}T03:00") == ["00:00", "01:00", "02:00"]

    @pytest.mark.parametrize("year", [1990, 2023, 2060])
    def test_hours_that_never_close_are_open_in_any_year(self, year: int) -> None:
        rules = page("America/New_York", "00:00-24:00", minutes=60)
        assert len(offered(rules, f"{year}-06-01", f"{year}-06-02")) == 24

    def test_neither_period_nor_notice_moves_it(self) -> None:
        night = {0: hours("23:00-24:00"), 1: hours("00:00-01:00")}
        rules = page("UTC", weekly=night, minutes=20, every=25, first_day=date(2026, 6, 2))
        assert offered(rules, MONDAY, WEDNESDAY) == ["00:15", "00:40"]
        rules = page("UTC", "09:00-10:00", notice=10 * MINUTE)
        assert offered(rules, MONDAY, now=at("09:01")) == ["09:30"]


class TestBusy:
    rules = page("UTC", "09:00-11:00")

    def test_spans_that_touch_a_slot_leave_it_open(self) -> None:
        busy = [span("09:00", "09:30"), span("10:00", "10:30")]
        assert offered(self.rules, MONDAY, busy=busy) == ["09:30", "10:30"]

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("09:30", "10:00"),
            ("09:40", "09:50"),
            ("09:30", "09:31"),
            ("09:59", "10:00"),
            ("09:59:59.999999", "10:00"),
        ],
    )
    def test_a_span_takes_each_slot_it_shares_an_instant_with(self, start: str, end: str) -> None:
        assert offered(self.rules, MONDAY, busy=[span(start, end)]) == ["09:00", "10:00", "10:30"]

    def test_a_span_takes_all_slots_that_it_holds(self) -> None:
        assert offered(self.rules, MONDAY, busy=[span("09:29", "10:01")]) == ["10:30"]

    def test_a_span_without_length_takes_nothing(self) -> None:
        free = offered(self.rules, MONDAY)
        assert offered(self.rules, MONDAY, busy=[span("10:00", "10:00")]) == free

    def test_a_span_from_before_the_range_still_counts(self) -> None:
        began_yesterday = Span(at("12:00", "2026-05-31"), at("09:45"))
        shown = offered(self.rules, f"{MONDAY}T09:30", busy=[began_yesterday])
        assert shown[:2] == ["10:00", "10:30"]

    def test_a_span_from_after_the_range_still_meets_the_last_slot(self) -> None:
        shown = offered(self.rules, MONDAY, f"{MONDAY}T10:01", busy=[span("10:20", "10:40")])
        assert shown == ["09:00", "09:30"]

    def test_spans_come_in_any_order_overlapping_and_once(self) -> None:
        spans = [span("10:10", "10:20"), span("09:10", "09:20"), span("08:00", "10:15")]
        assert offered(self.rules, MONDAY, busy=iter(spans)) == ["10:30"]

    def test_a_span_without_end_closes_all_that_follows(self) -> None:
        endless = Span(at("10:00"), datetime.max.replace(tzinfo=UTC))
        since_ever = Span(datetime.min.replace(tzinfo=UTC), at("09:30"))
        assert offered(self.rules, MONDAY, busy=[endless, since_ever]) == ["09:30"]

    def test_a_span_of_the_first_pass_leaves_the_second_open(self) -> None:
        rules = page("Europe/Berlin", "02:00-03:00", minutes=60)
        first = local(rules, "2026-10-25T02:00")
        busy = [Span(first, local(rules, "2026-10-25T02:00", fold=1))]
        assert offered(rules, "2026-10-25", busy=busy, show="%H:%M%z") == ["02:00+0100"]


class TestBuffers:
    def test_they_keep_time_free_on_their_own_side(self) -> None:
        busy = [span("10:00", "10:30")]
        before = page("UTC", "09:00-12:00", buffer_before=10 * MINUTE)
        after = page("UTC", "09:00-12:00", buffer_after=10 * MINUTE)
        assert offered(before, MONDAY, busy=busy) == ["09:00", "09:30", "11:00", "11:30"]
        assert offered(after, MONDAY, busy=busy) == ["09:00", "10:30", "11:00", "11:30"]

    def test_they_may_touch_what_is_busy(self) -> None:
        rules = page("UTC", "09:00-12:00", buffer_before=10 * MINUTE, buffer_after=10 * MINUTE)
        busy = [span("08:00", "08:50"), span("09:40", "10:20"), span("11:10", "11:50")]
        assert offered(rules, MONDAY, busy=busy) == ["09:00", "10:30"]
        nearer = [Span(other.start - ONE, other.end + ONE) for other in busy]
        assert offered(rules, MONDAY, busy=nearer) == []

    def test_they_may_lie_outside_the_hours(self) -> None:
        rules = page("UTC", "09:00-09:30", buffer_before=60 * MINUTE, buffer_after=60 * MINUTE)
        assert offered(rules, MONDAY) == ["09:00"]


class TestNotice:
    rules = page("UTC", "09:00-10:00", notice=timedelta(hours=4))

    def test_a_slot_exactly_at_notice_is_open(self) -> None:
        assert offered(self.rules, MONDAY, now=at("05:00")) == ["09:00", "09:30"]

    def test_a_slot_a_microsecond_too_soon_is_not(self) -> None:
        assert offered(self.rules, MONDAY, now=at("05:00") + ONE) == ["09:30"]

    def test_the_slot_under_way_is_gone_and_the_next_one_is_open(self) -> None:
        rules = page("UTC", "09:00-10:30")
        assert offered(rules, MONDAY, now=at("09:12:34.5")) == ["09:30", "10:00"]


class TestDays:
    def test_the_horizon_is_today_and_the_next_local_days(self) -> None:
        asked: dict[str, Any] = {"now": at("12:00"), "show": "%d"}
        for days, expected in [(0, ["01"]), (1, ["01", "02"]), (2, ["01", "02", "03"])]:
            rules = page("UTC", "23:00-23:30", horizon_days=days)
            assert offered(rules, "2026-05-25", "2026-06-10", **asked) == expected

    def test_today_is_the_hosts_day(self) -> None:
        rules = page("Pacific/Kiritimati", "12:00-12:30", horizon_days=0)
        shown = offered(rules, "2026-05-25", "2026-06-10", now=at("11:00"), show="%d")
        assert shown == ["02"]

    def test_a_horizon_may_lie_beyond_the_calendar(self) -> None:
        rules = page("UTC", "09:00-09:30", horizon_days=10**9)
        assert offered(rules, MONDAY, now=at("00:00")) == ["09:00"]

    def test_a_period_includes_its_first_and_its_last_day(self) -> None:
        period = {"first_day": date(2026, 6, 2), "last_day": date(2026, 6, 3)}
        rules = page("Pacific/Kiritimati", "00:00-00:30", "23:30-24:00", **period)
        shown = offered(rules, "2026-05-25", "2026-06-10", show="%d %H:%M")
        assert shown == ["02 00:00", "02 23:30", "03 00:00", "03 23:30"]

    def test_a_day_that_has_reached_its_limit_opens_nothing(self) -> None:
        rules = page("UTC", "09:00-09:30", daily_limit=2)
        booked = {date(2026, 6, 1): 1, date(2026, 6, 2): 2, date(2026, 6, 3): 3}
        shown = offered(rules, MONDAY, "2026-06-05", booked_per_day=booked, show="%d")
        assert shown == ["01", "04"]

    def test_bookings_do_not_matter_without_a_limit(self) -> None:
        rules = page("UTC", "09:00-09:30")
        assert offered(rules, MONDAY, booked_per_day={date(2026, 6, 1): 99}) == ["09:00"]

    def test_a_limit_of_none_a_day_opens_nothing(self) -> None:
        assert offered(page("UTC", "09:00-09:30", daily_limit=0), MONDAY) == []

    def test_the_limit_counts_in_the_hosts_day(self) -> None:
        rules = page("Asia/Tokyo", "08:00-10:00", minutes=60, daily_limit=1)
        booked = {date(2026, 6, 1): 1}  # its 08:00 is still 31 May in UTC
        shown = offered(rules, "2026-05-31", "2026-06-03", booked_per_day=booked, show="%d %H:%M")
        assert shown == ["31 08:00", "31 09:00", "02 08:00", "02 09:00"]

    def test_a_slot_across_midnight_counts_for_the_day_it_starts_on(self) -> None:
        night = {0: hours("23:00-24:00"), 1: hours("00:00-01:00")}
        rules = page("UTC", weekly=night, minutes=40, daily_limit=1)
        week = (MONDAY, "2026-06-07")
        assert offered(rules, *week, booked_per_day={date(2026, 6, 1): 1}) == ["00:20"]
        assert offered(rules, *week, booked_per_day={date(2026, 6, 2): 1}) == ["23:00", "23:40"]


class TestRange:
    rules = page("UTC", "09:00-11:00")

    def test_it_includes_its_start_and_not_its_end(self) -> None:
        assert offered(self.rules, f"{MONDAY}T09:30", f"{MONDAY}T10:30") == ["09:30", "10:00"]

    def test_a_slot_may_end_after_it(self) -> None:
        assert offered(self.rules, f"{MONDAY}T10:00", f"{MONDAY}T10:00:00.000001") == ["10:00"]

    def test_an_empty_or_reversed_one_has_no_slots(self) -> None:
        assert offered(self.rules, f"{MONDAY}T09:30", f"{MONDAY}T09:30") == []
        assert offered(self.rules, f"{TUESDAY}T09:30", f"{MONDAY}T09:30") == []

    def test_it_may_be_all_time_when_the_horizon_ends_it(self) -> None:
        rules = page("Asia/Tokyo", "09:00-09:30", horizon_days=1)
        edges = {"start": datetime.min.replace(tzinfo=UTC), "end": datetime.max.replace(tzinfo=UTC)}
        assert open_slots(rules, [], now=at("12:00"), **edges) == [at("00:00", TUESDAY)]

    def test_it_may_lie_where_the_calendar_begins_or_ends(self) -> None:
        rules = page("Pacific/Kiritimati", "00:00-24:00", minutes=60)
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        day = timedelta(days=1)
        assert open_slots(rules, [], now=first, start=first, end=first + day) == []
        assert open_slots(rules, [], now=first, start=last - day, end=last) == []
        assert len(open_slots(rules, [], now=first, start=first, end=first + 3 * day)) == 24
        assert len(open_slots(rules, [], now=first, start=last - 4 * day, end=last)) > 24

    @pytest.mark.parametrize("naive", ["now", "start", "end"])
    def test_a_naive_datetime_is_refused(self, naive: str) -> None:
        asked = {"now": LONG_AGO, "start": at("00:00"), "end": at("00:00", TUESDAY)}
        asked[naive] = asked[naive].replace(tzinfo=None)
        with pytest.raises(ValueError, match="naive"):
            open_slots(self.rules, [], **asked)

    def test_bookings_made_by_another_clock_are_the_same_instants(self) -> None:
        new_york = ZoneInfo("America/New_York")
        busy = Span(at("09:30").astimezone(new_york), at("10:00").astimezone(new_york))
        assert offered(self.rules, MONDAY, busy=[busy]) == ["09:00", "10:00", "10:30"]
