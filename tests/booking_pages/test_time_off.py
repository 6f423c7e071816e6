"""Time off: the host's own absences close every page of theirs."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages.offerings import offering_of
from app.bookings import openings
from app.bookings.models import Booking
from app.db import db
from app.schedules import time_off
from app.schedules.models import TimeOff
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import Page, Visitor

PATH = "/dashboard/time-off"
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


pytestmark = pytest.mark.usefixtures("in_november")


def add(visitor: Visitor, **values: str) -> Page:
    return visitor.get(PATH).form_to(PATH).send(**values)


def spans() -> list[tuple[datetime, datetime]]:
    found = db.session.scalars(select(TimeOff).order_by(TimeOff.starts_at))
    return [(row.starts_at, row.ends_at) for row in found]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_a_day_off_closes_every_page_of_the_host_at_once_and_of_nobody_else(
    app: Flask, aya: Visitor, host: User, visit: Visitor
) -> None:
    pages = [make_page(host, slug="one"), make_page(host, slug="two"), make_page(make_host("Mallory"), slug="hers")]  # fmt: skip
    page = add(aya, first_day="2026-11-12", label="Dentist")
    assert page.path == PATH
    assert spans() == [(utc(2026, 11, 11, 15), utc(2026, 11, 12, 15))]
    day = "d2026-11-12"
    assert not visit.get("/b/one?month=2026-11").all(f"#{day}")
    assert not visit.get("/b/two?month=2026-11").all(f"#{day}")
    assert visit.get("/b/hers?month=2026-11").one(f"#{day}")
    assert visit.get("/b/one?month=2026-11").one("#d2026-11-11")
    assert visit.get("/b/one?month=2026-11").one("#d2026-11-13")
    assert not openings.is_open(offering_of(pages[0].id), utc(2026, 11, 11, 15))
    assert openings.is_open(offering_of(pages[0].id), utc(2026, 11, 11, 14, 30))
    assert openings.is_open(offering_of(pages[0].id), utc(2026, 11, 12, 15))


def test_several_days_by_hours_run_from_the_first_days_time_to_the_lasts(
    app: Flask, aya: Visitor
) -> None:
    page = add(aya, first_day="2026-11-12", last_day="2026-11-14", opens="15:00", closes="12:30")
    assert spans() == [(utc(2026, 11, 12, 6), utc(2026, 11, 14, 3, 30))]
    assert page.one(".absences .when").get_text() == "Thursday 12 November 2026 15:00 – Saturday 14 November 2026 12:30"  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "span", "words"),
    [
        ({"opens": "10:00", "closes": "12:00"}, (utc(2026, 11, 12, 1), utc(2026, 11, 12, 3)), "Thursday 12 November 2026 10:00–12:00"),
        ({"opens": "10:00"}, (utc(2026, 11, 12, 1), utc(2026, 11, 12, 15)), "Thursday 12 November 2026 10:00–24:00"),
        ({"closes": "10:00"}, (utc(2026, 11, 11, 15), utc(2026, 11, 12, 1)), "Thursday 12 November 2026 00:00–10:00"),
        ({"closes": "00:00"}, (utc(2026, 11, 11, 15), utc(2026, 11, 12, 15)), "Thursday 12 November 2026"),
        ({"last_day": "2026-11-13"}, (utc(2026, 11, 11, 15), utc(2026, 11, 13, 15)), "Thursday 12 November 2026 – Friday 13 November 2026"),
        ({"last_day": "２０２６-１１-１２", "opens": "１０：００", "closes": "11"}, (utc(2026, 11, 12, 1), utc(2026, 11, 12, 2)), "Thursday 12 November 2026 10:00–11:00"),
    ],
)  # fmt: skip
def test_it_is_kept_as_instants_and_told_in_words(
    app: Flask, aya: Visitor, sent: dict[str, str], span: tuple[datetime, datetime], words: str
) -> None:
    page = add(aya, first_day="2026-11-12", **sent)
    assert spans() == [span]
    assert page.one(".absences .when").get_text() == words


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)]
)
def test_a_whole_day_is_whole_when_clocks_change(app: Flask, day: date, hours: int) -> None:
    berliner = visit_as(app, make_host("Ines", timezone="Europe/Berlin"))
    page = add(berliner, first_day=day.isoformat())
    [(starts_at, ends_at)] = spans()
    assert starts_at.astimezone(BERLIN).replace(tzinfo=None) == datetime.combine(day, datetime.min.time())  # fmt: skip
    assert ends_at - starts_at == timedelta(hours=hours)
    assert ":" not in page.one(".absences .when").get_text()


@pytest.mark.parametrize(
    ("opens", "closes", "starts_at", "ends_at"),
    [
        # The hour from 02:00 comes twice on 31 October 2027: away through both.
        ((2027, 10, 31, "02:00"), "02:30", utc(2027, 10, 31, 0), utc(2027, 10, 31, 1, 30)),
        ((2027, 10, 31, "02:30"), "04:00", utc(2027, 10, 31, 0, 30), utc(2027, 10, 31, 3)),
        # It does not come at all on 28 March 2027.
        ((2027, 3, 28, "01:00"), "03:00", utc(2027, 3, 28, 0), utc(2027, 3, 28, 1)),
        ((2027, 3, 28, "01:00"), "02:30", utc(2027, 3, 28, 0), utc(2027, 3, 28, 1, 30)),
    ],
)
def test_hours_at_a_change_of_clocks_are_never_cut_short(
    app: Flask, opens: tuple[int, int, int, str], closes: str, starts_at: datetime, ends_at: datetime
) -> None:  # fmt: skip
    berliner = visit_as(app, make_host("Ines", timezone="Europe/Berlin"))
    year, month, day, time = opens
    add(berliner, first_day=f"{year}-{month:02}-{day:02}", opens=time, closes=closes)
    assert spans() == [(starts_at, ends_at)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Africa/Cairo", date(2027, 4, 30), 23),  # 00:00 is skipped
        ("America/Santiago", date(2027, 9, 5), 23),
        ("America/Havana", date(2027, 11, 7), 25),  # 00:00 comes twice
        ("Australia/Lord_Howe", date(2027, 4, 4), 24.5),
    ],
)
def test_midnight_is_where_a_day_begins_in_every_zone(
    app: Flask, zone: str, day: date, hours: float
) -> None:
    starts_at, ends_at = time_off.span_of(ZoneInfo(zone), day, day, None, None)
    assert ends_at - starts_at == timedelta(hours=hours)
    inside = [starts_at, ends_at - timedelta.resolution]
    outside = [starts_at - timedelta.resolution, ends_at]
    assert {at.astimezone(ZoneInfo(zone)).date() for at in inside} == {day}
    assert day not in {at.astimezone(ZoneInfo(zone)).date() for at in outside}


def test_days_are_read_in_the_hosts_zone_not_the_pages_and_follow_it(
    app: Flask, host: User
) -> None:
    berliner = make_host("Ines", timezone="Europe/Berlin")
    page = make_page(berliner, timezone="Asia/Tokyo")
    visitor = visit_as(app, berliner)
    add(visitor, first_day="2026-12-24")
    [(starts_at, ends_at)] = spans()
    assert (starts_at, ends_at) == (utc(2026, 12, 23, 23), utc(2026, 12, 24, 23))
    offering = offering_of(page.id)
    assert openings.open_starts(offering, starts_at, ends_at) == []
    assert openings.open_starts(offering, ends_at, ends_at + DAY)
    assert "Central European Time (Berlin)" in visitor.get(PATH).text
    berliner.timezone = "Asia/Tokyo"
    db.session.commit()
    assert visitor.get(PATH).one(".absences .when").get_text() == "Thursday 24 December 2026 08:00 – Friday 25 December 2026 08:00"  # fmt: skip


def test_bookings_inside_stay_and_the_page_leads_to_them(
    app: Flask, aya: Visitor, host: User
) -> None:
    booking = make_booking(make_page(host), utc(2026, 11, 12, 1))
    page = add(aya, first_day="2026-11-12")
    assert db.session.scalars(select(Booking)).one().is_live
    assert page.follow("Bookings").text.count(booking.client.name)
    assert page.one("main a[href='/dashboard/bookings']")


def test_deleting_is_one_press_and_opens_the_pages_again(
    app: Flask, aya: Visitor, host: User, visit: Visitor
) -> None:
    make_page(host, slug="one")
    page = add(aya, first_day="2026-11-12")
    [row] = db.session.scalars(select(TimeOff)).all()
    page = page.form_to(f"{PATH}/{row.id}/delete").send()
    assert (page.path, spans()) == (PATH, [])
    assert page.one(".empty")
    assert visit.get("/b/one?month=2026-11").one("#d2026-11-12")


def test_the_same_sent_twice_is_kept_once(app: Flask, aya: Visitor) -> None:
    add(aya, first_day="2026-11-12", label="Dentist")
    add(aya, first_day="2026-11-12")
    assert [row.label for row in db.session.scalars(select(TimeOff))] == ["Dentist"]


def test_the_list_holds_what_is_not_over_soonest_first(
    app: Flask, aya: Visitor, host: User
) -> None:
    now = utc(2026, 11, 9)
    time_off.add(host, now + 5 * DAY, now + 6 * DAY, "later")
    time_off.add(host, now - DAY, now + DAY, "under way")
    time_off.add(host, now - 2 * DAY, now, "over")
    page = aya.get(PATH)
    labels = [row.select_one(".soft").get_text() for row in page.all(".absences > li")]  # type: ignore[union-attr]
    assert labels == ["under way", "later"]
    assert len(page.all(".absences .tag")) == 1


def test_the_reason_is_for_the_host_only(
    app: Flask, aya: Visitor, host: User, visit: Visitor
) -> None:
    make_page(host, slug="one")
    page = add(aya, first_day="2026-11-12", label="<b>Dentist</b>")
    assert page.one(".absences .soft").get_text() == "<b>Dentist</b>"
    assert "Dentist" not in visit.get("/b/one?month=2026-11").answer.text


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("first_day", {"first_day": ""}),
        ("first_day", {"first_day": "soon"}),
        ("first_day", {"first_day": "0001-01-01"}),
        ("first_day", {"first_day": "9999-12-31"}),
        ("first_day", {"first_day": "2026-11-08"}),
        ("first_day", {"first_day": "2026-11-09", "closes": "09:00"}),
        ("last_day", {"first_day": "2026-11-12", "last_day": "2026-11-11"}),
        ("last_day", {"first_day": "2026-11-12", "last_day": "2026-02-30"}),
        ("opens", {"first_day": "2026-11-12", "opens": "9:99"}),
        ("closes", {"first_day": "2026-11-12", "closes": "noon"}),
        ("closes", {"first_day": "2026-11-12", "opens": "12:00", "closes": "12:00"}),
        ("closes", {"first_day": "2026-11-12", "opens": "12:00", "closes": "09:00"}),
        ("closes", {"first_day": "2026-11-12", "opens": "24:00"}),
        ("label", {"first_day": "2026-11-12", "label": "x" * 121}),
    ],
)
def test_what_makes_no_sense_is_told_and_kept(
    app: Flask, aya: Visitor, field: str, values: dict[str, str]
) -> None:
    page = add(aya, **values)
    assert page.status == 422
    assert page.one("title").get_text().startswith("Error:")
    assert page.one(f'.summary a[href="#{field}"]')
    assert page.one(f'[name="{field}"][aria-invalid="true"]')
    kept = dict(page.form_to(PATH).fields)
    if "24:00" not in values.values():  # no time field can show it
        assert values.items() <= kept.items()
    assert spans() == []


def test_an_hour_that_the_clocks_skip_is_no_time_off(app: Flask) -> None:
    cairene = visit_as(app, make_host("Nour", timezone="Africa/Cairo"))
    page = add(cairene, first_day="2027-04-30", closes="01:00")
    assert page.status == 422
    assert page.one("#closes-error")


def test_mallory_gets_404_and_sees_nothing(app: Flask, aya: Visitor) -> None:
    add(aya, first_day="2026-11-12", label="Dentist")
    [row] = db.session.scalars(select(TimeOff)).all()
    mallory = visit_as(app, make_host("Mallory"))
    token = dict(mallory.get(PATH).form_to(PATH).fields)["csrf_token"]
    assert mallory.post(f"{PATH}/{row.id}/delete", {"csrf_token": token}).status == 404
    assert mallory.post(f"{PATH}/12345/delete", {"csrf_token": token}).status == 404
    assert len(spans()) == 1
    assert "Dentist" not in mallory.get(PATH).answer.text


def test_booking_pages_lead_there(app: Flask, aya: Visitor) -> None:
    page = aya.get("/dashboard/pages").follow("Time off")
    assert page.path == PATH
    assert page.one('.nav [aria-current="page"]').get_text() == "Booking pages"


def test_it_reads_in_japanese(app: Flask, host: User) -> None:
    page = add(visit_as(app, host, {"Accept-Language": "ja"}), first_day="2026-12-28", last_day="2027-01-04")  # fmt: skip
    assert page.one("h1").get_text() == "休暇・不在"
    assert page.one(".absences .when").get_text() == "2026年12月28日(月) 〜 2027年1月4日(月)"
