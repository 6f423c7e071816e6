"""Bookings are bounded by client, network, page and host together; an office of twenty still books."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from sqlalchemy import func, select

from app.booking_pages.models import BookingPage
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.web.rate_limits import LimitReached, count
from tests.limits.conftest import network
from tests.support.cast import make_host, make_page, tomorrow
from tests.support.visitor import Form, Page, Visitor

At = Callable[..., Visitor]
OFFICE = "203.0.113.7"


def slot(number: int) -> datetime:
    """Half an hour after the other, from tomorrow on."""
    return tomorrow(1).astimezone(UTC) + number * timedelta(minutes=30)


def form_of(visitor: Visitor, page: BookingPage, number: int) -> Form:
    address = f"/b/{page.slug}/{slot(number):%Y%m%dT%H%M%SZ}"
    return visitor.get(address).form_to(address)


def book(visitor: Visitor, page: BookingPage, number: int, email: str | None = None) -> Page:
    """Send the form of a slot by somebody new, unless said otherwise."""
    return form_of(visitor, page, number).send(
        name="Ken Yamada", email=email or f"ken{number}@example.com", note="About the roof."
    )


def booked() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def count_bookings(
    app: Flask, page: BookingPage, times: int, address: Callable[[int], str]
) -> None:
    """Let so many bookings of others have been made, each by another client."""
    ids = {"page": page.id, "host": page.user_id}  # read here: a row belongs to the other app
    for number in range(times):
        context = app.test_request_context("/", environ_overrides={"REMOTE_ADDR": address(number)})
        with context:
            count("book", client=f"c{number}@x.example", **ids)


def test_one_clients_address_is_booked_with_ten_times_an_hour(limited: Flask, at: At) -> None:
    """Across hosts, networks and spellings: it may be a victim's, who gets each mail."""
    pages = [make_page(make_host(name)) for name in ("Aya Sato", "Mallory Jones")]
    spellings = ["ken@gmail.com", "KEN@gmail.com", "k.en@gmail.com", "ken+7@gmail.com"] * 3
    answers = [
        book(at(network(number)), pages[number % 2], number, spelling)
        for number, spelling in enumerate(spellings)
    ]
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 2
    assert booked() == 10
    with time_machine.travel(utcnow() + timedelta(minutes=61)):
        assert book(at(network(60)), pages[0], 100, "ken@gmail.com").status == 200


def test_twenty_a_day_is_the_most_for_one_clients_address(limited: Flask, at: At) -> None:
    page = make_page(make_host())
    for hour in range(2):
        with time_machine.travel(utcnow() + timedelta(hours=2 * hour)):
            statuses = [
                book(at(OFFICE), page, 15 * hour + number, "ken@example.com").status
                for number in range(10)
            ]
            assert statuses == [200] * 10
    with time_machine.travel(utcnow() + timedelta(hours=4)):
        refused = book(at(OFFICE), page, 40, "ken@example.com")
    assert refused.status == 429
    assert "You can book with it again in 20 hours." in refused.text


def test_twenty_people_behind_one_address_book_with_one_host(limited: Flask, at: At) -> None:
    page = make_page(make_host())
    for number in range(20):
        person = at(OFFICE)
        assert form_of(person, page, number).send(name="", email="typo@").status == 422
        assert book(person, page, number).status == 200
    assert booked() == 20


def test_one_network_cannot_use_up_a_hosts_day(limited: Flask, at: At) -> None:
    page = make_page(make_host())
    count_bookings(limited, page, 40, lambda number: f"2001:db8:7:7::{number:x}")
    refused = book(at("2001:db8:7:7:ffff::1"), page, 1)
    assert refused.status == 429
    assert "Your network has reached its limit" in refused.text
    assert book(at("2001:db8:7:8::1"), page, 1).status == 200


def test_eighty_meetings_a_day_are_made_for_one_host_whoever_asks(limited: Flask, at: At) -> None:
    """Zoom makes a hundred a day for one user: the rest is the host's own."""
    host = make_host()
    pages = [make_page(host, auto_zoom=True) for _ in range(2)]
    for page, first in zip(pages, (0, 40), strict=True):
        ids = {"page": page.id, "host": page.user_id}
        for number in range(first, first + 40):
            overrides = {"REMOTE_ADDR": network(number)}
            with limited.test_request_context("/", environ_overrides=overrides):
                count("book", "meeting", client=f"c{number}@x.example", **ids)
    refused = book(at(OFFICE, "ja"), pages[0], 1)
    assert refused.status == 429
    assert "この予約ページのご予約が上限に達しました。あと1日でもう一度ご予約" in refused.text
    assert book(at(OFFICE), make_page(host), 2).status == 200  # which needs no meeting
    other = make_page(make_host("Mallory Jones"), auto_zoom=True)
    assert book(at(OFFICE), other, 3).status == 200


def test_a_typo_and_a_lost_race_are_no_bookings(limited: Flask, at: At) -> None:
    page = make_page(make_host())
    visitor = at(OFFICE)
    book(visitor, page, 0, "ken@example.com")
    for number in range(1, 11):
        stale = form_of(visitor, page, number)
        assert stale.send(name="", email="ken@example.com").status == 422
        book(at(network(number)), page, number)
        assert stale.send(name="Ken", email="ken@example.com").status == 409
    assert book(visitor, page, 20, "ken@example.com").status == 200


def test_what_was_typed_and_the_key_are_kept_until_it_may_be_sent_again(
    limited: Flask, at: At
) -> None:
    page = make_page(make_host())
    for number in range(10):
        book(at(OFFICE), page, number, "ken@example.com")
    now = utcnow()
    refused = book(at(OFFICE), page, 12, "ken@example.com")
    assert refused.status == 429
    assert refused.one(".summary").get_text()
    seconds = int(refused.answer.headers["Retry-After"])
    assert 3500 < seconds <= 3600
    again = refused.form("Book this time")
    fields = dict(again.fields)
    assert (fields["name"], fields["note"]) == ("Ken Yamada", "About the roof.")
    with time_machine.travel(now + timedelta(seconds=seconds + 60)):
        assert again.send().status == 200
    assert booked() == 11


def test_a_form_that_has_booked_finds_its_booking_though_the_limit_is_reached(
    limited: Flask, at: At
) -> None:
    page = make_page(make_host())
    for number in range(9):
        book(at(OFFICE), page, number, "ken@example.com")
    form = form_of(at(OFFICE), page, 9)
    first = form.send(name="Ken", email="ken@example.com")
    assert form.send(name="Ken", email="ken@example.com").path == first.path
    assert booked() == 10


def test_an_htmx_request_reads_the_same_words(limited: Flask, at: At) -> None:
    page = make_page(make_host())
    for number in range(10):
        book(at(OFFICE), page, number, "ken@example.com")
    visitor = at(OFFICE)
    form = form_of(visitor, page, 12)
    visitor.transport.headers["HX-Request"] = "true"  # type: ignore[attr-defined]
    assert "has reached its limit of bookings" in form.send(name="K", email="ken@example.com").text


def test_bookings_at_once_pass_no_more_than_the_limit(limited: Flask) -> None:
    page = make_page(make_host())
    page_id, host_id = page.id, page.user_id

    def one(number: int) -> str:
        overrides = {"REMOTE_ADDR": network(number)}
        with limited.test_request_context("/", environ_overrides=overrides):
            try:
                count("book", client="ken@example.com", page=page_id, host=host_id)
            except LimitReached:
                return "refused"
            return "counted"

    with ThreadPoolExecutor(16) as crowd:
        assert Counter(crowd.map(one, range(60))) == {"counted": 10, "refused": 50}
    # Who was turned away has taken nothing from the counters that others share.
    with limited.test_request_context("/", environ_overrides={"REMOTE_ADDR": network(1)}):
        for number in range(70):
            count("book", client=f"k{number}@example.com", page=page_id, host=host_id + number)
