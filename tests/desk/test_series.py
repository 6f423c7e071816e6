"""Several sessions for one client in one press: what can be had is shown first, and booked once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import service
from app.bookings.models import Booking
from app.bookings.series import MOST, instant_of, repeated
from app.db import db
from app.schedules.models import TimeOff
from tests.support.cast import make_booking, make_client, make_host, make_page, visit_as
from tests.support.visitor import Page, Visitor

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)  # Wednesday noon in Tokyo
OFFICE = [(weekday, 540, 1020) for weekday in range(5)]
KEN = {
    "name": "Ken Yamada",
    "email": "KEN@example.com",
    "locale": "ja",
    "timezone": "Europe/Berlin",
}


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def page(host: User) -> BookingPage:
    return make_page(host, hours=OFFICE, notice=1440, horizon_days=10, daily_limit=1)


@pytest.fixture
def aya(app: Flask, host: User) -> Visitor:
    return visit_as(app, host)


def preview(aya: Visitor, page: BookingPage, **values: object) -> Page:
    form = aya.get(f"/dashboard/pages/{page.id}/series")
    sent = KEN | {"first_day": "2026-12-02", "starts": "10:10", "count": "4"} | values
    return form.press("Look at the sessions", **sent)


def tags(shown: Page) -> list[str]:
    return [tag.get_text() for tag in shown.all("ol.list .tag")]


def bookings() -> list[Booking]:
    return list(db.session.scalars(select(Booking).order_by(Booking.starts_at)))


def test_one_press_books_all_for_one_client_and_a_second_nothing(
    aya: Visitor, page: BookingPage
) -> None:
    shown = preview(aya, page)
    assert shown.status == 200
    assert "4 of 4 sessions can be had." in shown.text
    assert "Wednesday 23 December 2026 10:10–10:40" in shown.text
    assert "For Ken Yamada: Wed 23 Dec 02:10–02:40 Central European Time (Berlin)" in shown.text
    assert bookings() == []
    done = shown.press("Book the sessions")
    assert "4 sessions are booked." in done.text
    made = bookings()
    first = datetime(2026, 12, 2, 1, 10, tzinfo=UTC)
    assert [one.starts_at for one in made] == [first + n * timedelta(days=7) for n in range(4)]
    assert len({one.series_id for one in made}) == 1
    assert made[0].series_id
    assert len({one.ical_uid for one in made}) == len({one.client.token for one in made}) == 4
    client = made[3].client
    assert (client.email, client.locale, client.timezone) == (
        "ken@example.com",
        "ja",
        "Europe/Berlin",
    )
    assert [task.kind for task in made[3].tasks] == [
        "mail.attendee.confirmed",
        "mail.host.confirmed",
    ]
    assert "4 sessions are booked." in shown.press("Book the sessions").text
    assert len(bookings()) == 4


def test_each_session_says_why_it_cannot_be_had(aya: Visitor, page: BookingPage) -> None:
    make_booking(page, datetime(2026, 12, 2, 1, tzinfo=UTC))  # 10:00–10:30
    away = datetime(2026, 12, 9, 1, tzinfo=UTC)
    db.session.add(TimeOff(host_id=page.user_id, starts_at=away, ends_at=away + timedelta(days=1)))
    db.session.commit()
    dates = (
        "2026-11-24\n2026-12-02\r\n２０２６年１２月９日\n2026/12/16\n2026-12-16 10:20\n"
        "2026-12-19\n2026-12-16 10:10\n2026-12-17 16:45"
    )
    shown = preview(aya, page, rhythm="own", dates=dates, first_day="", count="")
    assert tags(shown) == [
        "This time is over already.",
        "You have a booking then.",
        "Your time off",
        "can be had",
        "It overlaps another of these sessions.",
        "Outside your weekly hours",
        "Outside your weekly hours",
    ]
    assert "1 of 7 sessions can be had." in shown.text
    done = shown.press("Book the sessions")
    assert "1 session is booked." in done.text
    assert "Not booked: Tue 24 Nov 10:10" in done.text
    assert len(bookings()) == 2
    everywhere = preview(aya, page, rhythm="own", dates=dates).press(
        "Book the sessions", outside_hours="y"
    )
    assert "2 sessions are booked." in everywhere.text
    assert bookings()[-1].starts_at == datetime(2026, 12, 19, 1, 10, tzinfo=UTC)


def test_the_time_on_the_pages_clock_stays_over_a_change_of_clocks(
    aya: Visitor, host: User
) -> None:
    page = make_page(host, timezone="Europe/Berlin")
    shown = preview(
        aya, page, first_day="2027-03-16", starts="18:00", rhythm="fortnightly", count="3"
    )
    shown.press("Book the sessions")
    berlin = [one.starts_at.astimezone(ZoneInfo("Europe/Berlin")) for one in bookings()]
    assert [f"{at:%m-%d %H:%M %z}" for at in berlin] == [
        "03-16 10:00 +0100",
        "03-30 10:00 +0200",
        "04-13 10:00 +0200",
    ]
    assert "Tuesday 30 March 2027 17:00–17:30" in shown.text  # in Tokyo


def test_a_time_that_the_clocks_skip_cannot_be_had(aya: Visitor, host: User) -> None:
    page = make_page(host, timezone="Europe/Berlin")
    first = datetime(2027, 3, 21, 1, 30, tzinfo=UTC)
    walls = repeated(first, ZoneInfo("Europe/Berlin"), timedelta(days=7), 2)
    exists = [instant_of(wall, ZoneInfo("Europe/Berlin"))[1] for wall in walls]
    assert exists == [True, False]
    shown = preview(aya, page, first_day="2027-03-21", starts="10:30", count="2")
    assert tags(shown) == ["can be had", "The clocks skip this time on that day."]


def test_a_race_that_takes_one_between_leaves_the_others(aya: Visitor, page: BookingPage) -> None:
    shown = preview(aya, page)
    taken = datetime(2026, 12, 9, 1, 30, tzinfo=UTC)
    service.book(page, taken, make_client(), "k", by_host=service.ByHost())
    done = shown.press("Book the sessions")
    assert "3 sessions are booked." in done.text
    assert "Not booked: Wed 9 Dec 10:10" in done.text
    assert len(bookings()) == 4


def test_where_none_can_be_had_nothing_is_booked_and_all_is_kept(
    aya: Visitor, page: BookingPage
) -> None:
    shown = preview(aya, page, starts="23:00")
    none = shown.press("Book the sessions")
    assert none.status == 409
    form = none.press("Change")
    assert form.status == 200
    assert form.one("#name")["value"] == "Ken Yamada"
    assert form.one("#starts")["value"] == "23:00"
    pages.archive(page)
    assert preview(aya, page).status == 409
    assert bookings() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Enter the client's name"),
        ({"email": "ken"}, "name@example.com"),
        ({"count": "1"}, f"from 2 to {MOST}"),
        ({"count": str(MOST + 1)}, f"from 2 to {MOST}"),
        ({"first_day": ""}, "Enter the first day"),
        ({"starts": "noon"}, "Enter a time like"),
        ({"rhythm": "daily"}, "Not a valid choice"),
        ({"rhythm": "own", "dates": "2026-12-01"}, "2 to 26 different dates"),
        ({"rhythm": "own", "dates": "2026-12-01\n2026-02-30"}, "“2026-02-30” is no date"),
        ({"rhythm": "own", "dates": "2026-12-01 10:00\n2026-12-02 24:30"}, "is no date"),
        ({"rhythm": "own", "dates": "2026-12-01\n2026-12-02", "starts": ""}, "Enter a start"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_kept(
    aya: Visitor, page: BookingPage, wrong: dict[str, str], words: str
) -> None:
    shown = preview(aya, page, **wrong)
    assert shown.status == 422
    assert words in shown.one(".summary").get_text()
    assert shown.one("#dates").get_text().strip() == wrong.get("dates", "")
    assert bookings() == []


def test_a_forged_key_books_nothing_and_a_fresh_one_is_given(
    aya: Visitor, page: BookingPage
) -> None:
    again = preview(aya, page).press("Book the sessions", form_key="forged")
    assert again.status == 200
    assert bookings() == []
    again.press("Book the sessions")
    assert len(bookings()) == 4


def test_a_booking_goes_on_with_its_client_a_week_later(aya: Visitor, page: BookingPage) -> None:
    booking = make_booking(page, datetime(2026, 11, 27, 1, tzinfo=UTC))
    form = aya.get(f"/dashboard/bookings/{booking.public_id}").follow("Book a series")
    assert form.one("#email")["value"] == "ken@example.com"
    assert (form.one("#first_day")["value"], form.one("#starts")["value"]) == (
        "2026-12-04",
        "10:00",
    )
    form.press("Look at the sessions", count="2").press("Book the sessions")
    assert len(bookings()) == 3


def test_both_see_the_series_and_the_host_cancels_what_remains_with_one_message(
    app: Flask, aya: Visitor, host: User, page: BookingPage, visit: Visitor
) -> None:
    shown = preview(aya, page).press("Book the sessions")
    first, second, third, last = bookings()
    third.client.email = "somebody@else.example"
    db.session.commit()
    assert len(shown.all("#series li")) == 4
    assert [str(a["href"]) for a in shown.all("#series li a")] == [
        f"/dashboard/bookings/{one.public_id}" for one in (second, third, last)
    ]
    theirs = visit.get(f"/booking/{first.client.token}")
    links = [str(a["href"]) for a in theirs.all(".part li a")]
    assert links == [f"/booking/{one.client.token}" for one in (second, last)]
    service.cancel(second, by="client")
    with time_machine.travel(first.starts_at + timedelta(minutes=5), tick=False):
        question = visit_as(app, host).get(shown.path).follow("Cancel all that remain")
        assert len(question.all("ul.stack li")) == 2
        long = question.press("Cancel 2 sessions", message="x" * 1001)
        assert long.status == 422
        done = long.press("Cancel 2 sessions", message="I am ill")
        assert "2 sessions are cancelled." in done.text
        assert not done.has_link("Cancel all that remain")
    assert [one.status for one in bookings()] == ["confirmed", *["cancelled"] * 3]
    assert [one.parting_words for one in bookings()] == [None, None, "I am ill", "I am ill"]


def test_mallory_gets_at_no_series_of_aya(app: Flask, aya: Visitor, page: BookingPage) -> None:
    preview(aya, page).press("Book the sessions")
    mallory = visit_as(app, make_host("Mallory"))
    public_id = bookings()[0].public_id
    assert mallory.get(f"/dashboard/pages/{page.id}/series").status == 404
    for path in ("series", "cancel-series"):
        assert mallory.get(f"/dashboard/bookings/{public_id}/{path}").status == 404
