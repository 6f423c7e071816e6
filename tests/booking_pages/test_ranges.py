"""Hours as people type them: past midnight, to the end of a day, too many of them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.db import db
from app.schedules.models import TimeOff
from app.schedules.ranges import join, next_date, next_weekday, runs_over, split
from tests.support.cast import make_host, make_page, visit_as
from tests.support.visitor import Form, Page, Visitor

NEW = "/dashboard/pages/new"
DAY_BEFORE, DAY = date(2030, 12, 24), date(2030, 12, 25)


def send(visitor: Visitor, **values: str) -> Page:
    """With the session's token, from a small page: the form of a page offers every zone there is."""
    token = str(visitor.get("/settings/integrations").all("[name=csrf_token]")[0]["value"])
    return visitor.post(NEW, {"csrf_token": token, "title": "x", "slug": "x"} | values)


def hours(*rows: tuple[int, str, str]) -> dict[str, str]:
    return {
        f"hours-{number}-{name}": str(value)
        for number, row in enumerate(rows)
        for name, value in zip(("weekday", "opens", "closes"), row, strict=True)
    }


def dates(*rows: tuple[str, str, str]) -> dict[str, str]:
    return {
        f"overrides-{number}-{name}": value
        for number, row in enumerate(rows)
        for name, value in zip(("date", "opens", "closes"), row, strict=True)
    }


def only_page() -> BookingPage:
    return db.session.scalars(select(BookingPage)).one()


def kept_hours() -> list[tuple[int, int, int]]:
    return [(row.weekday, row.opens, row.closes) for row in only_page().hours]


def kept_dates() -> set[tuple[date, int | None, int | None]]:
    return {(row.date, row.opens, row.closes) for row in only_page().overrides}


def test_hours_past_midnight_go_on_on_the_next_day_and_are_shown_as_typed(
    app: Flask, aya: Visitor
) -> None:
    page = send(aya, **hours((0, "18:00", "02:00"), (6, "22:00", "6:00"), (2, "9:00", "12:00")))
    expected = [
        (0, 0, 360),  # Sunday night ends on Monday
        (0, 1080, 1440),
        (1, 0, 120),
        (2, 540, 720),
        (6, 1320, 1440),
    ]
    assert kept_hours() == expected
    monday, sunday = page.one("#day-0"), page.one("#day-6")
    assert [box["value"] for box in monday.select("input[type=time]")] == ["18:00", "02:00"]
    assert [box["value"] for box in sunday.select("input[type=time]")] == ["22:00", "06:00"]
    assert "next day" in monday.get_text()
    assert not page.one("#day-1").select("input[type=time]")
    page.form_to(page.path).send()
    assert kept_hours() == expected


def test_a_night_goes_on_on_a_date_that_has_a_row_of_its_own(app: Flask, aya: Visitor) -> None:
    page = send(aya, **dates(("2030-12-24", "18:00", "02:00"), ("2030-12-25", "", "")))
    expected = {(DAY_BEFORE, 1080, 1440), (DAY, 0, 120), (DAY, None, None)}
    assert kept_dates() == expected
    shown = [box["value"] for box in page.all("#overrides input")]
    assert shown == ["1", "2030-12-24", "18:00", "02:00", "2030-12-25", "", ""]
    page.form_to(page.path).send()
    assert kept_dates() == expected


def test_a_night_that_would_replace_the_next_dates_hours_asks_for_that_date(
    app: Flask, aya: Visitor
) -> None:
    page = send(aya, **dates(("2030-12-24", "18:00", "02:00")))
    assert page.status == 422
    told = page.one("#overrides-0-closes-error").get_text()
    assert told.startswith("Tuesday 24 December 2030: After midnight it is Wednesday 25 December")
    assert page.one("#overrides-0-closes")["value"] == "02:00"
    assert db.session.scalar(select(BookingPage)) is None


@pytest.mark.parametrize("typed", ["23:59", "24:00", "0:00"])
def test_a_day_that_ends_a_minute_early_ends_at_midnight(
    app: Flask, aya: Visitor, typed: str
) -> None:
    page = send(aya, **hours((4, "20:00", typed)), **dates(("2030-12-24", "0:00", typed)))
    assert kept_hours() == [(4, 1200, 1440)]
    assert kept_dates() == {(DAY_BEFORE, 0, 1440)}
    assert "midnight" in page.one("#day-4").get_text()


def test_time_off_that_ends_a_minute_early_ends_with_its_day(app: Flask, aya: Visitor) -> None:
    path = "/dashboard/time-off"
    form = aya.get(path).form_to(path)
    form.send(first_day="2030-12-24", opens="0:00", closes="23:59")
    absence = db.session.scalars(select(TimeOff)).one()
    assert (absence.ends_at - absence.starts_at).total_seconds() == 86_400


@pytest.mark.parametrize(
    ("accept_language", "words"),
    [("en", "Tuesday: The end must be later"), ("ja", "火曜日：終了時刻は開始時刻より後に")],
)
def test_an_error_in_a_row_names_its_day(
    app: Flask, host: User, accept_language: str, words: str
) -> None:
    aya = visit_as(app, host, {"Accept-Language": accept_language})
    page = send(aya, **hours((0, "9:00", "17:00"), (1, "17:00", "9:00")))
    assert page.status == 422
    assert words in page.one(".summary").get_text()
    assert words in page.one("#hours-1-closes-error").get_text()


ranges = st.integers(0, 1439).flatmap(
    lambda opens: st.tuples(st.integers(0, 6), st.just(opens), st.integers(opens + 1, 1440))
)


@given(st.lists(ranges, unique=True))
def test_what_is_shown_again_is_what_was_kept(kept: list[tuple[int, int, int]]) -> None:
    assert split(join(kept, next_weekday), next_weekday) == sorted(kept)


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_every_range_that_is_kept_lies_in_its_day(opens: int, closes: int) -> None:
    if not runs_over(opens, closes):
        return
    first, second = split([(DAY_BEFORE, opens, closes)], next_date)
    assert first == (DAY_BEFORE, opens, 1440)
    assert second == (DAY, 0, closes)
    assert (1440 - opens) + closes <= 720


STRANGE = [
    {"hours-²-opens": "9:00"},
    {"hours-x-opens": "9:00"},
    {f"hours-{'9' * 5000}-opens": "9:00"},
    {"overrides-٣-date": "2030-12-24"},
    {"hours-": "1"},
    {"remove": "hours:" + "9" * 5000},
    {"remove": "hours:²"},
    {"remove": "overrides:-1"},
    {"add": "hours:" + "9" * 5000},
    {"add": "hours:x"},
    {"duration": "9" * 5000},
    {"notice": "9" * 5000},
    {"hours-0-weekday": "9" * 5000, "hours-0-opens": "9:00", "hours-0-closes": "10:00"},
]


@pytest.mark.parametrize("sent", STRANGE, ids=lambda sent: str(next(iter(sent.items())))[:40])
def test_rows_and_numbers_that_no_form_sends_are_told_with_words(
    app: Flask, aya: Visitor, sent: dict[str, str]
) -> None:
    page = send(aya, **{"title": "Kept"} | sent)
    assert page.status == 422
    assert page.one(".summary").get_text().strip()
    assert "limit (4300" not in page.text
    assert dict(page.form_to(NEW).fields)["title"] == "Kept"
    assert db.session.scalar(select(BookingPage)) is None


def test_a_page_holds_a_hundred_ranges_and_no_more(app: Flask, aya: Visitor) -> None:
    assert (
        send(aya, **hours(*[(number % 7, "9:00", "10:00") for number in range(101)])).status == 422
    )
    too_many = send(aya, **hours(*[(number % 7, "9:00", "10:00") for number in range(1500)]))
    assert too_many.status == 422
    assert "at most 100 ranges" in too_many.one(".summary").get_text()
    mixed = send(
        aya, **hours(*[(0, "9:00", "10:00")] * 60), **dates(*[("2030-12-24", "", "")] * 41)
    )
    assert mixed.status == 422
    assert db.session.scalar(select(BookingPage)) is None
    full = [(number % 7, f"{number // 7}:00", f"{number // 7}:30") for number in range(100)]
    assert send(aya, **hours(*full)).status == 200
    assert len(only_page().hours) == 100


def test_each_range_that_is_removed_is_the_one_that_was_pressed(app: Flask, aya: Visitor) -> None:
    """The rows that are left are numbered anew, in what is shown and in what is sent."""
    page = aya.get(NEW)
    for weekday in (0, 1, 3):
        button = page.one(f"#day-{weekday} button[name=remove]")
        page = Form(page, page.one("form#typed"), button).send()
    page.form_to(NEW).send(title="x", slug="x")
    assert kept_hours() == [(2, 540, 1020), (4, 540, 1020)]


def test_no_row_is_added_to_a_full_page(app: Flask, aya: Visitor, host: User) -> None:
    full = [(number % 7, number // 7 * 60, number // 7 * 60 + 30) for number in range(100)]
    path = f"/dashboard/pages/{make_page(host, hours=full).id}"
    fields = aya.get(path).form_to(path).fields
    for add in ("hours:1", "overrides"):
        answer = aya.post(path, [*fields, ("add", add)])
        assert answer.status == 422
        assert "at most 100 ranges" in answer.text


def test_time_off_ahead_is_bounded_and_told(app: Flask, aya: Visitor, host: User) -> None:
    other = make_host("Mallory")
    path = "/dashboard/time-off"
    first = datetime(2031, 1, 1, tzinfo=UTC)
    for number in range(100):
        starts_at = first + timedelta(days=number)
        db.session.add(
            TimeOff(host_id=host.id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))
        )
    db.session.commit()
    page = aya.get(path).form_to(path).send(first_day="2030-12-24", label="Trip")
    assert page.status == 422
    assert "100 entries" in page.one(".summary").get_text()
    assert dict(page.form_to(path).fields)["first_day"] == "2030-12-24"
    mallory = visit_as(app, other)
    assert mallory.get(path).form_to(path).send(first_day="2030-12-24").status == 200
