"""What bounds open slots: buffers, notice, days, limits, and the range that is asked for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.availability import Span, open_slots
from tests.availability.page import LONG_AGO, MINUTE, hours, offered, page
from tests.availability.steps import MONDAY, TUESDAY, at, span

ONE = timedelta(microseconds=1)


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
