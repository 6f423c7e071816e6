"""Open slots: windows, their grid, and busy spans."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from app.availability import Span, open_slots
from tests.availability.page import LONG_AGO, MINUTE, hours, local, offered, page
from tests.availability.steps import MONDAY, TUESDAY, WEDNESDAY, at, span


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
