"""Public holidays and a fixed booking period of a page."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.db import db
from app.schedules import public_holidays
from app.schedules.holidays import countries
from tests.support.cast import make_page, visit_as
from tests.support.visitor import Page, Visitor

NEW = "/dashboard/pages/new"


pytestmark = pytest.mark.usefixtures("in_november")


def only_page() -> BookingPage:
    return db.session.scalars(select(BookingPage)).one()


def send(visitor: Visitor, page: BookingPage, **values: object) -> Page:
    path = f"/dashboard/pages/{page.id}"
    return visitor.get(path).form_to(path).send(**values)


def open_days(page: Page) -> list[str]:
    return [str(link["id"])[1:] for link in page.all("a.day")]


def test_a_new_page_is_offered_no_country_and_no_period(app: Flask, aya: Visitor) -> None:
    offered = dict(aya.get(NEW).form_to(NEW).fields)
    assert [offered[name] for name in ("holidays", "first_day", "last_day")] == ["", "", ""]
    assert not aya.get(NEW).all("#next-holidays li")
    aya.get(NEW).form_to(NEW).send(title="First meeting")
    page = only_page()
    assert (page.holidays, page.first_day, page.last_day) == (None, None, None)


def test_countries_begin_with_japan_and_go_on_by_their_names_in_the_readers_language(
    app: Flask, aya: Visitor, host: User
) -> None:
    options = aya.get(NEW).all("#holidays option")
    names = [option.get_text() for option in options]
    assert names[:3] == ["no country", "Japan", "Afghanistan"]
    assert names.index("Åland Islands") < names.index("Albania")
    assert {str(option["value"]) for option in options} - {""} <= set(countries())
    japanese = visit_as(app, host, {"Accept-Language": "ja"}).get(NEW).all("#holidays option")
    assert [option.get_text() for option in japanese[:2]] == ["指定しない", "日本"]
    assert len(japanese) == len(options)


def test_country_and_period_are_kept_and_can_be_taken_back(
    app: Flask, aya: Visitor, host: User
) -> None:
    page = make_page(host)
    send(aya, page, holidays="JP", first_day="2026-11-20", last_day="2026-11-20")
    saved = only_page()
    assert (saved.holidays, saved.first_day, saved.last_day) == ("JP", date(2026, 11, 20), date(2026, 11, 20))  # fmt: skip
    send(aya, page)
    assert (only_page().holidays, only_page().first_day) == ("JP", date(2026, 11, 20))
    send(aya, page, holidays="", first_day="", last_day="")
    saved = only_page()
    assert (saved.holidays, saved.first_day, saved.last_day) == (None, None, None)


def test_what_a_request_does_not_name_stays(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, holidays="DE", first_day=date(2026, 11, 20), last_day=date(2027, 1, 7))
    send(aya, page, title="Renamed", holidays=None, first_day=None, last_day=None)
    saved = only_page()
    assert saved.title == "Renamed"
    assert (saved.holidays, saved.first_day, saved.last_day) == ("DE", date(2026, 11, 20), date(2027, 1, 7))  # fmt: skip


@pytest.mark.parametrize("code", ["XX", "jp", "Japan", "none"])
def test_an_unknown_country_is_refused(app: Flask, aya: Visitor, host: User, code: str) -> None:
    page = send(aya, make_page(host, holidays="JP"), holidays=code, title="Mine")
    assert page.status == 422
    assert page.one('.summary a[href="#holidays"]')
    assert page.one('#holidays[aria-invalid="true"]')
    assert page.one("#title")["value"] == "Mine"
    assert only_page().holidays == "JP"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("last_day", {"first_day": "2026-11-20", "last_day": "2026-11-19"}),
        ("first_day", {"first_day": "soon"}),
        ("last_day", {"last_day": "9999-12-31"}),
    ],
)
def test_a_period_that_makes_no_sense_is_told_and_kept(
    app: Flask, aya: Visitor, host: User, field: str, values: dict[str, str]
) -> None:
    page = send(aya, make_page(host), **values)
    assert page.status == 422
    assert page.one(f'.summary a[href="#{field}"]')
    assert page.one(f'#{field}[aria-invalid="true"]')
    assert {name: page.one(f"#{name}")["value"] for name in values} == values
    assert only_page().last_day is None


def test_the_next_holidays_of_the_country_are_shown_by_name_and_date(
    app: Flask, aya: Visitor, host: User
) -> None:
    page = send(aya, make_page(host), holidays="JP")
    shown = [" ".join(row.get_text(" ").split()) for row in page.all("#next-holidays li")]
    assert shown[:3] == [
        "Monday 23 November 2026 Labor Thanksgiving Day",
        "Friday 1 January 2027 New Year's Day",
        "Monday 11 January 2027 Coming of Age Day",
    ]
    assert len(shown) == public_holidays.SHOWN
    reader = visit_as(app, host, {"Accept-Language": "ja"})
    assert (
        "2026年11月23日(月) 勤労感謝の日" in reader.get(f"/dashboard/pages/{only_page().id}").text
    )


def test_a_refused_form_shows_the_holidays_of_what_was_chosen(app: Flask, aya: Visitor) -> None:
    page = aya.get(NEW).form_to(NEW).send(title="", holidays="DE")
    assert page.status == 422
    assert "Christmas Day" in page.one("#next-holidays").get_text()


def test_a_change_of_the_country_brings_its_holidays(app: Flask, aya: Visitor) -> None:
    select_ = aya.get(NEW).one("#holidays")
    assert select_["hx-target"] == "#next-holidays"
    part = aya.get(f"{select_['hx-get']}?{select_['name']}=JP")
    assert "<html" not in part.answer.text
    assert "Labor Thanksgiving Day" in part.one("#next-holidays").get_text()
    assert not aya.get(f"{select_['hx-get']}?holidays=").all("#next-holidays > *")
    assert not aya.get(f"{select_['hx-get']}").all("#next-holidays > *")
    assert not aya.get(f"{select_['hx-get']}?holidays=XX").all("#next-holidays li")


@pytest.mark.parametrize(
    ("day", "name", "japanese"),
    [
        ("2026-11-23", "Labor Thanksgiving Day", "勤労感謝の日"),
        ("2027-01-01", "New Year's Day", "元日"),
    ],
)
def test_a_page_in_japan_is_closed_on_its_holidays_and_says_why(
    app: Flask, host: User, visit: Visitor, day: str, name: str, japanese: str
) -> None:
    make_page(host, slug="mine", holidays="JP")
    page = visit.get(f"/b/mine?month={day[:7]}&date={day}")
    assert day not in open_days(page)
    assert day[:-2] + "04" in open_days(page) or day[:-2] + "24" in open_days(page)
    [cell] = [cell for cell in page.all("td.holiday") if cell.select_one(f'[datetime="{day}"]')]
    assert name in cell.select_one(".visually-hidden").get_text()  # type: ignore[union-attr]
    assert name in page.one(f'.holidays li:has([datetime="{day}"])').get_text()
    assert japanese in visit.get(f"/b/mine?month={day[:7]}&lang=ja").one(".holidays").get_text()


def test_a_page_without_a_country_is_open_on_holidays(
    app: Flask, host: User, visit: Visitor
) -> None:
    make_page(host, slug="mine")
    page = visit.get("/b/mine?month=2026-11")
    assert "2026-11-23" in open_days(page)
    assert not page.all(".holidays")


def test_other_hours_on_a_holiday_open_it(app: Flask, host: User, visit: Visitor) -> None:
    make_page(host, slug="mine", holidays="JP", overrides=[(date(2026, 11, 23), 600, 660)])
    page = visit.get("/b/mine?month=2026-11&date=2026-11-23&tz=Asia/Tokyo")
    assert "2026-11-23" in open_days(page)
    assert [time.get_text() for time in page.all(".times time")] == ["10:00", "10:30"]
    assert not page.all('.holidays [datetime="2026-11-23"]')


def test_a_page_opens_in_its_period_only(app: Flask, host: User, visit: Visitor) -> None:
    make_page(host, slug="mine", first_day=date(2026, 11, 18), last_day=date(2026, 11, 20))
    page = visit.get("/b/mine?month=2026-11&tz=Asia/Tokyo")
    assert open_days(page) == ["2026-11-18", "2026-11-19", "2026-11-20"]


def test_the_period_is_of_the_hosts_days(app: Flask, host: User, visit: Visitor) -> None:
    make_page(host, slug="mine", first_day=date(2026, 11, 18), last_day=date(2026, 11, 18))
    page = visit.get("/b/mine?month=2026-11&tz=America/New_York")
    assert open_days(page) == ["2026-11-17", "2026-11-18"]


def test_every_country_has_a_name_in_every_language() -> None:
    for language in ("en", "ja"):
        names = public_holidays.country_names(language)
        assert {"JP", "DE", "GB", "US", "FR"} <= set(names)
        assert len(set(names.values())) == len(names) > 200


def test_holidays_of_the_next_year_follow_those_of_this() -> None:
    days = [day for day, _name in public_holidays.next_holidays("JP", date(2026, 12, 31), "en")]
    assert days == sorted(days)
    assert days[0] == date(2027, 1, 1)
    assert public_holidays.next_holidays("JP", date(2027, 1, 1), "en")[0][0] == date(2027, 1, 1)
    assert public_holidays.next_holidays(None, date(2027, 1, 1), "en") == []
