"""A booking's whole life on real processes: booked, moved by its client, moved by its host, reminded of,
checked, cancelled. After each step mailboxes, calendar files, Zoom and both pages say the same.

The client is in Tokyo or in New York, the host in Berlin, and between the times clocks change there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
from icalendar import Calendar
from sqlalchemy import Engine, create_engine, text

from tests.journey.people import Host, wait_for_link
from tests.support import ical_js
from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Page, Visitor

BERLIN, TOKYO, NEW_YORK = map(ZoneInfo, ("Europe/Berlin", "Asia/Tokyo", "America/New_York"))
TWO = ["meeting:read:meeting", "meeting:write:meeting"]
SIX = [
    *TWO, "meeting:update:meeting", "meeting:delete:meeting", "meeting:read:list_meetings",
    "user:read:user",
]  # fmt: skip
REASON = "電車が遅れています。\n申し訳ありません <b>"


def change_of_clocks() -> datetime:
    """The first Sunday at least a month from now on which clocks change in Berlin, at noon there."""
    day = datetime.now(UTC).astimezone(BERLIN).replace(hour=12, minute=0, second=0, microsecond=0)
    day += timedelta(days=30)
    while day.utcoffset() == (day - timedelta(days=1)).utcoffset():
        day += timedelta(days=1)
    return day


def at_ten(day: datetime) -> datetime:
    """10:00 of that day in Berlin, in UTC."""
    return day.replace(hour=10).astimezone(UTC)


@pytest.fixture
def engine_of(stack: Stack) -> Iterator[Engine]:
    made = create_engine(stack.database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


@dataclass
class Life:
    """One booking, looked at from all sides."""

    stack: Stack
    database: Engine
    host: Host
    client: Visitor
    zone: ZoneInfo
    email: str
    home: str  # the client's page
    sequence: int = 0

    @property
    def reference(self) -> str:
        row = self.host.bookings().link(self.name)
        return urlsplit(str(row["href"])).path.rpartition("/")[2]

    name: str = "山田 花"

    def newest(self, to: str, count: int) -> dict[str, Any]:
        return self.stack.wait_for_mails(to, count)[0]

    def agree(self, start: datetime, mails: tuple[int, int], sequence: int) -> int:
        """Everybody knows the same time; gives the meeting's number at Zoom."""
        page = self.client.get(self.home)
        link = wait_for_link(page)
        number = int(urlsplit(link).path.rpartition("/")[2])
        wait_until(lambda: self.at_zoom().get(number) == start, "Zoom to have the time")
        told = [self.newest(self.email, mails[0]), self.newest(self.host.email, mails[1])]
        for mail in told:
            assert link in mail["text"]
            assert "/join/" in mail["text"]
            self.calendars_say(mail, "REQUEST", start, sequence)
        assert clock(start, self.zone) in self.client.get(self.home).text
        shown = self.host.visitor.get(f"/dashboard/bookings/{self.reference}").text
        assert clock(start, BERLIN) in shown
        return number

    def calendars_say(
        self, mail: dict[str, Any], method: str, start: datetime, sequence: int
    ) -> None:
        """Both readers of calendars, of the one event that stands in the mail twice."""
        [body] = {calendar["body"] for calendar in mail["calendars"]}
        assert {calendar["method"] for calendar in mail["calendars"]} == {method}
        (event,) = Calendar.from_ical(body).walk("VEVENT")
        assert event.decoded("DTSTART") == start
        assert event["SEQUENCE"] == sequence
        [other] = ical_js.read([body])
        assert (other["method"], other["sequence"]) == (method, sequence)
        assert other["starts"] == f"{start:%Y-%m-%dT%H:%M:%S}.000Z"
        assert other["uid"] == event["UID"]

    def at_zoom(self) -> dict[int, datetime]:
        rows = requests.get(f"{self.stack.sandbox}/api/meetings", timeout=10).json()
        mine = [row for row in rows if row["user"] == self.host.handle]
        return {int(row["id"]): datetime.fromisoformat(row["start_time"]) for row in mine}

    def move(self, visitor: Visitor, home: str, start: datetime, **words: str) -> Page:
        form = visitor.get(f"{home}/reschedule/{start:%Y%m%dT%H%M%SZ}")
        moved = form.form_to(f"{urlsplit(home).path}/reschedule/{start:%Y%m%dT%H%M%SZ}")
        return moved.send(**words)

    def let_come(self, kind: str) -> None:
        """What is planned for shortly before the booking is due now."""
        with self.database.begin() as connection:
            connection.execute(
                text(
                    "UPDATE tasks SET due_at = :now WHERE kind = :kind AND state = 'waiting'"
                    " AND booking_id = (SELECT id FROM bookings WHERE public_id = :reference)"
                ),
                {"now": now_for(self.database), "kind": kind, "reference": self.reference},
            )

    def is_done(self, kind: str) -> bool:
        with self.database.begin() as connection:
            left = connection.execute(
                text(
                    "SELECT count(*) FROM tasks WHERE kind = :kind AND state IN ('waiting', 'running')"
                    " AND booking_id = (SELECT id FROM bookings WHERE public_id = :reference)"
                ),
                {"kind": kind, "reference": self.reference},
            )
            return left.scalar_one() == 0


def now_for(database: Engine) -> Any:
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%d %H:%M:%S.%f}" if database.dialect.name == "sqlite" else now


def clock(start: datetime, zone: ZoneInfo) -> str:
    return (
        f"{start.astimezone(zone):%H:%M}–{(start + timedelta(minutes=30)).astimezone(zone):%H:%M}"
    )


@pytest.mark.parametrize(
    ("scopes", "language", "zone"),
    [
        pytest.param(TWO, "ja", TOKYO, id="two-tokyo", marks=pytest.mark.slow),
        pytest.param(SIX, "ja", TOKYO, id="six-tokyo"),
        pytest.param(TWO, "en", NEW_YORK, id="two-new-york"),
        pytest.param(SIX, "en", NEW_YORK, id="six-new-york", marks=pytest.mark.slow),
    ],
)
def test_all_sides_agree_after_each_step(
    stack: Stack, engine_of: Engine, new_host: Callable[..., Host], scopes: list[str],
    language: str, zone: ZoneInfo,
) -> None:  # fmt: skip
    requests.post(f"{stack.sandbox}/api/settings", json={"scopes": scopes}, timeout=10)
    host = new_host("Anna Weber")
    profile = host.visitor.get("/settings")
    profile.form_to("/settings").send(timezone=BERLIN.key)
    host.connect_zoom()
    slug = f"{host.handle}-life"
    host.make_page(slug, auto_zoom="y", horizon_days="", timezone=BERLIN.key)
    change = change_of_clocks()
    before, after, later = (at_ten(change + timedelta(days=days)) for days in (-2, 1, 2))
    assert after - before != timedelta(days=3)  # an hour more or less

    email = f"hana-{host.handle}@client.example"
    browser = Visitor(OverHttp(stack.base, {"Accept-Language": language}))
    slot = f"/b/{slug}/{before:%Y%m%dT%H%M%SZ}"
    booked = browser.get(f"{slot}?tz={zone.key}").form_to(slot).send(name=Life.name, email=email)
    life = Life(stack, engine_of, host, browser, zone, email, booked.url)
    first = life.agree(before, (1, 1), 0)

    life.move(browser, booked.url, after, reason=REASON)
    second = life.agree(after, (2, 2), 1)
    (to_host,) = life.stack.wait_for_mails(host.email, 2)[:1]
    assert "> 電車が遅れています。" in to_host["text"]
    assert (first == second) is (scopes is SIX)

    desk = f"/dashboard/bookings/{life.reference}"
    life.move(host.visitor, desk, later, message="See you later")
    third = life.agree(later, (3, 3), 2)
    assert (second == third) is (scopes is SIX)
    left = {number for number in life.at_zoom() if number != third}
    assert left == (set() if scopes is SIX else {first, second})
    said = host.visitor.get(desk).text
    for number in left:
        assert str(number) in said  # what remains at Zoom is told

    life.let_come("mail.attendee.reminder")
    reminders = stack.wait_for_mails(email, 5)[:2]
    for mail in reminders:
        assert not mail["calendars"]
        assert clock(later, zone) in mail["text"]
    assert len(stack.mails(host.email)) == 3

    life.let_come("meeting.check")
    wait_until(lambda: life.is_done("meeting.check"), "the looks at the meeting")
    assert len(stack.mails(email)) == 5  # all is well, so nobody is told
    assert life.at_zoom()[third] == later

    asked = browser.get(f"{booked.url}/cancel")
    asked.form_to(f"{urlsplit(booked.url).path}/cancel").send(reason=REASON)
    for address, count in ((email, 6), (host.email, 4)):
        life.calendars_say(life.newest(address, count), "CANCEL", later, 3)
    assert "> 電車が遅れています。" in life.newest(host.email, 4)["text"]
    if scopes is SIX:
        wait_until(lambda: not life.at_zoom(), "the meeting to be deleted")
    else:
        assert set(life.at_zoom()) == {first, second, third}
        assert "remains in your Zoom account" in host.visitor.get(desk).text
    assert "電車が遅れています。" in host.visitor.get(desk).text
    assert browser.get(booked.url).all(".over")
