"""The Bookings section: by page, by period, one page of the list after another, and back from a booking."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.bookings import service
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.desk import finding
from app.desk.filters import Place, read_place
from tests.support.cast import make_booking, make_host, make_page, move_back, tomorrow, visit_as
from tests.support.visitor import Page, Visitor

LIST = "/dashboard/bookings"


@pytest.fixture
def aya(app: Flask) -> User:
    return make_host()


@pytest.fixture
def of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three bookings a page."""
    monkeypatch.setattr(finding, "PAGE_SIZE", 3)


def names(page: Page) -> list[str]:
    return [str(link.get_text(strip=True)) for link in page.all("ul.bookings .cover")]


def book(page: BookingPage, count: int) -> list[Booking]:
    return [
        make_booking(page, tomorrow(1) + timedelta(minutes=30 * n), name=f"Client {n}")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("tab", "onward", "back"), [("upcoming", "Next", "Previous"), ("past", "Older", "Newer")]
)
def test_a_list_is_read_to_its_end_and_back_without_a_gap(
    app: Flask, aya: User, of_three: None, tab: str, onward: str, back: str
) -> None:
    made = book(make_page(aya), 8)
    expected = [f"Client {n}" for n in range(8)]
    if tab == "past":
        expected.reverse()
        for booking in made:
            move_back(booking, timedelta(days=5))
    page = visit_as(app, aya).get(f"{LIST}?tab={tab}&q=client")
    assert not page.has_link(back)
    read = [page]
    while page.has_link(onward):
        page = page.follow(onward)
        read.append(page)
    assert [names(one) for one in read] == [expected[:3], expected[3:6], expected[6:]]
    assert names(page.follow(back)) == expected[3:6]
    first = page.follow(back).follow(back)
    assert names(first) == expected[:3]
    assert not first.has_link(back)
    assert first.one("input[name=q]")["value"] == "client"


def test_bookings_of_one_moment_are_neither_doubled_nor_left_out(
    app: Flask, aya: User, of_three: None
) -> None:
    page = make_page(aya)
    for number in range(7):
        service.cancel(make_booking(page, tomorrow(), name=f"Client {number}"), by="host")
    shown = visit_as(app, aya).get(f"{LIST}?tab=cancelled")
    read = names(shown)
    while shown.has_link("Older"):
        shown = shown.follow("Older")
        read += names(shown)
    assert read == [f"Client {n}" for n in reversed(range(7))]


def test_a_place_is_kept_while_bookings_come_and_go_before_it(
    app: Flask, aya: User, of_three: None
) -> None:
    page = make_page(aya)
    made = book(page, 6)
    second = str(visit_as(app, aya).get(LIST).one("a[rel=next]")["href"])
    service.cancel(made[0], by="host")
    make_booking(page, tomorrow(0), name="Early")
    assert names(visit_as(app, aya).get(second)) == ["Client 3", "Client 4", "Client 5"]


def test_what_comes_before_a_place_that_has_nothing_before_it_is_the_first_page(
    app: Flask, aya: User
) -> None:
    book(make_page(aya), 2)
    shown = visit_as(app, aya).get(f"{LIST}?before={Place(utcnow() - timedelta(days=9), 1)}")
    assert names(shown) == ["Client 0", "Client 1"]


@pytest.mark.parametrize("typed", ["", "x", "20261201T003000Z", "20261301T003000Z-1", "-", "²-²"])
def test_a_place_that_nobody_gave_is_none(typed: str) -> None:
    assert read_place(typed) is None


def test_a_place_is_read_as_it_was_written() -> None:
    place = Place(datetime(2026, 12, 1, 0, 30, tzinfo=UTC), 12)
    assert str(place) == "20261201T003000Z-12"
    assert read_place(str(place)) == place


def test_one_page_of_several_is_chosen_and_anothers_is_not(app: Flask, aya: User) -> None:
    talk, other = make_page(aya, title="Talk"), make_page(aya, title="Other")
    make_booking(talk, tomorrow(1), name="Ken")
    make_booking(other, tomorrow(2), name="Lena")
    visitor = visit_as(app, aya)
    page = visitor.get(LIST)
    assert names(page.form_to(LIST).send(page_id=str(other.id))) == ["Lena"]
    mallorys = make_page(make_host("Mallory"))
    assert names(visitor.get(f"{LIST}?page_id={mallorys.id}")) == ["Ken", "Lena"]
    assert not visit_as(app, make_host("Bo")).get(LIST).all("select[name=page_id]")


def test_a_period_is_of_the_hosts_days(app: Flask, aya: User) -> None:
    page = make_page(aya, horizon_days=None)
    # In Tokyo: the last half hour of 9 December, and the first of the 10th.
    make_booking(page, datetime(2027, 12, 9, 14, 30, tzinfo=UTC), name="Ninth")
    make_booking(page, datetime(2027, 12, 9, 15, 0, tzinfo=UTC), name="Tenth")
    visitor = visit_as(app, aya)
    assert names(visitor.get(f"{LIST}?from=2027-12-10")) == ["Tenth"]
    assert names(visitor.get(f"{LIST}?to=2027-12-09")) == ["Ninth"]
    assert names(visitor.get(f"{LIST}?from=２０２７/12/9&to=2027年12月10日")) == ["Ninth", "Tenth"]
    assert "No bookings here" in visitor.get(f"{LIST}?from=2027-12-11").text


def test_a_month_is_one_press(app: Flask, aya: User) -> None:
    page = make_page(aya, horizon_days=None)
    make_booking(page, datetime(2027, 12, 9, 14, 30, tzinfo=UTC), name="December")
    make_booking(page, datetime(2028, 1, 9, 14, 30, tzinfo=UTC), name="January")
    shown = visit_as(app, aya).get(f"{LIST}?from=2027-12-05&q=r")
    december = shown.follow("December 2027")
    assert names(december) == ["December"]
    assert december.one(".months [aria-current]").get_text() == "December 2027"
    assert names(december.follow("January 2028")) == ["January"]
    assert len(names(december.follow("Show all dates and pages"))) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=soon", "Enter a date such as 2026-12-01."),
        ("to=2026-02-30", "Enter a date such as 2026-12-01."),
        ("from=0001-01-01", "Enter a date such as 2026-12-01."),
        ("from=2026-12-02&to=2026-12-01", "Choose a last day that is not before the first."),
    ],
)
def test_a_day_that_cannot_be_read_is_told_and_stays_typed(
    app: Flask, aya: User, query: str, words: str
) -> None:
    book(make_page(aya), 1)
    shown = visit_as(app, aya).get(f"{LIST}?{query}")
    assert shown.status == 422
    assert words in shown.text
    name = query.rpartition("&")[2].partition("=")[0]
    field = shown.one(f"input[name={name}]")
    assert field["value"] == query.rpartition("=")[2]
    assert field["aria-invalid"] == "true"


def test_the_way_back_from_a_booking_leads_to_its_place(
    app: Flask, aya: User, of_three: None
) -> None:
    book(make_page(aya), 5)
    second = visit_as(app, aya).get(f"{LIST}?q=client").follow("Next")
    assert names(second.follow("Client 4").follow("← Bookings")) == ["Client 3", "Client 4"]


def test_what_htmx_asks_for_is_the_list_alone(app: Flask, aya: User) -> None:
    book(make_page(aya), 1)
    visitor: Visitor = visit_as(app, aya, {"HX-Request": "true"})
    part = visitor.get(f"{LIST}?from=soon")
    assert part.status == 422
    assert part.one("#bookings")
    assert not part.all("html")
    db.session.rollback()
