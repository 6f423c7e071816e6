"""Making a page: what is offered is what is kept, and an address that people can read."""

import threading
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.accounts.models import User
from app.booking_pages import service, slugs
from app.booking_pages.forms import COLUMNS
from app.booking_pages.models import BookingPage
from app.db import db
from tests.booking_pages.steps import (
    NEW,
    WORKING_WEEK,
    hours_of,
    only_page,
    overrides_of,
    page_form,
    post_new,
)
from tests.support.cast import make_host, make_page
from tests.support.visitor import Visitor


def test_a_new_page_without_a_horizon_has_none(app: Flask, aya: Visitor) -> None:
    post_new(aya, title="First meeting", slug="first-meeting", horizon_days="")
    assert only_page().horizon_days is None


def test_title_and_slug_alone_make_a_live_sensible_page(
    app: Flask, aya: Visitor, visit: Visitor
) -> None:
    answer = post_new(aya, title="First meeting", slug="first-meeting")
    page = only_page()
    assert answer.path == f"/dashboard/pages/{page.id}"
    assert (page.title, page.slug) == ("First meeting", "first-meeting")
    assert (page.duration, page.timezone, page.increment) == (30, "Asia/Tokyo", None)
    assert (page.buffer_before, page.buffer_after, page.daily_limit) == (0, 0, None)
    assert page.horizon_days == 60
    assert page.is_live
    assert page.archived_at is None
    assert hours_of(page) == WORKING_WEEK
    assert visit.get("/b/first-meeting").status == 200


def test_what_the_form_offers_is_what_is_kept(app: Flask, aya: Visitor) -> None:
    aya.get(NEW).form_to(NEW).send(title="First meeting", slug="")
    offered = only_page()
    bare = {name: getattr(offered, name) for name in COLUMNS} | {"hours": hours_of(offered)}
    post_new(aya, title="First meeting", slug="another")
    other = db.session.scalars(select(BookingPage).where(BookingPage.slug == "another")).one()
    alone = {name: getattr(other, name) for name in COLUMNS} | {"hours": hours_of(other)}
    assert bare | {"slug": ""} == alone | {"slug": ""}


def test_the_forms_fields_carry_the_column_names(app: Flask, aya: Visitor) -> None:
    names = {name for name, _value in aya.get(NEW).form_to(NEW).fields}
    names |= {str(box["name"]) for box in aya.get(NEW).all("input[type=checkbox][name]")}
    assert set(COLUMNS) <= names
    columns = {column.key for column in BookingPage.__table__.columns}
    plain = {name for name in names if "-" not in name and not name.endswith("_shown")}
    assert plain - {"csrf_token", "client_reminders", "host_reminders"} <= columns


def test_every_field_is_kept(app: Flask, aya: Visitor) -> None:
    values = {
        "title": "Thorough", "slug": "thorough", "description": "Two\nlines", "location": "Room 4",
        "duration": "45", "increment": "15", "buffer_before": "5", "buffer_after": "10",
        "notice": "120", "change_notice": "60", "horizon_days": "30", "daily_limit": "3", "timezone": "Europe/Berlin",
        "auto_zoom": "y", "holidays": "JP", "first_day": "2030-01-07", "last_day": "2030-03-31",
    }  # fmt: skip
    post_new(aya, **values)
    page = only_page()
    assert {name: getattr(page, name) for name in COLUMNS} == {
        "title": "Thorough", "slug": "thorough", "description": "Two\nlines", "location": "Room 4",
        "duration": 45, "increment": 15, "buffer_before": 5, "buffer_after": 10, "notice": 120,
        "change_notice": 60, "horizon_days": 30, "daily_limit": 3, "timezone": "Europe/Berlin", "auto_zoom": True,
        "holidays": "JP", "first_day": date(2030, 1, 7), "last_day": date(2030, 3, 31),
    }  # fmt: skip


def test_full_width_digits_are_read_as_digits(app: Flask, aya: Visitor) -> None:
    post_new(aya, title="Wide", slug="ｗｉｄｅ", duration="４５", **{"hours-0-weekday": "0", "hours-0-opens": "９：００", "hours-0-closes": "１７：３０"})  # fmt: skip
    page = only_page()
    assert (page.slug, page.duration, hours_of(page)) == ("wide", 45, [(0, 540, 1050)])


def test_saving_a_page_unchanged_changes_nothing(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(
        host, increment=15, daily_limit=2, auto_zoom=True, horizon_days=None, notice=45,
        hours=[(0, 0, 1440), (2, 540, 720), (2, 780, 1020)],
        overrides=[(date(2030, 1, 1), None, None), (date(2030, 1, 2), 0, 1440)],
        holidays="DE", first_day=date(2030, 1, 1), last_day=date(2030, 12, 31),
    )  # fmt: skip
    before = {name: getattr(page, name) for name in COLUMNS}, hours_of(page), overrides_of(page)
    assert page_form(aya, page).send().status == 200
    page = only_page()
    assert (
        {name: getattr(page, name) for name in COLUMNS},
        hours_of(page),
        overrides_of(page),
    ) == before


def test_switching_auto_create_off_is_kept(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, auto_zoom=True)
    page_form(aya, page).send(auto_zoom="false")
    assert not only_page().auto_zoom


def test_emptying_an_optional_number_is_kept(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, increment=15, horizon_days=30, daily_limit=2)
    page_form(aya, page).send(increment="", horizon_days="", daily_limit="")
    page = only_page()
    assert (page.increment, page.horizon_days, page.daily_limit) == (None, None, None)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("First meeting", "first-meeting"),
        ("  Café & Crème!  ", "cafe-creme"),
        ("初回面談", "shokai-mendan"),
        ("無料相談", "muryou-soudan"),
        ("30分ミーティング", "30-"),
        ("！？", "meeting"),
        ("🙂", "meeting"),
    ],
)
def test_an_empty_address_is_made_from_the_title_in_readable_latin_letters(
    app: Flask, title: str, slug: str
) -> None:
    suggested = slugs.suggest(title)
    assert suggested.startswith(slug)
    assert slugs.is_well_formed(suggested)


def test_a_suggested_address_is_free(app: Flask, aya: Visitor) -> None:
    for _ in range(3):
        post_new(aya, title="初回面談", slug="")
    made = db.session.scalars(select(BookingPage.slug).order_by(BookingPage.id)).all()
    assert made == ["shokai-mendan", "shokai-mendan-2", "shokai-mendan-3"]


def test_a_long_title_gives_a_short_address_of_whole_words(app: Flask) -> None:
    suggested = slugs.suggest("an extraordinarily long title that goes on and on and on for ever")
    assert len(suggested) <= 48
    assert "an extraordinarily long title that goes on and on and".startswith(
        suggested.replace("-", " ")
    )
    assert slugs.is_well_formed(slugs.suggest("x" * 120))


def test_the_suggestion_is_offered_while_the_form_is_open(app: Flask, aya: Visitor) -> None:
    part = aya.get("/dashboard/pages/new/slug?title=%E5%88%9D%E5%9B%9E%E9%9D%A2%E8%AB%87")
    assert part.one("input[name=slug]")["value"] == "shokai-mendan"


@pytest.mark.parametrize(
    "slug", ["two words", "-hyphen", "hyphen-", "double--hyphen", "ünder", "a/b", "a.b", "面談", "x" * 65, "../x", "a_b"]
)  # fmt: skip
def test_a_bad_address_is_told_and_kept(app: Flask, aya: Visitor, slug: str) -> None:
    page = post_new(aya, title="First meeting", slug=slug)
    assert page.status == 422
    assert page.one("#slug-error")
    assert page.one("input[name=slug]")["value"] == slug
    assert db.session.scalar(select(BookingPage)) is None


@pytest.mark.parametrize("typed", ["taken", "TAKEN", " Taken "])
def test_a_taken_address_is_told_with_a_free_one(app: Flask, aya: Visitor, typed: str) -> None:
    service.archive(make_page(make_host("Mallory"), slug="taken"))  # archived pages keep theirs
    page = post_new(aya, title="First meeting", slug=typed)
    assert page.status == 422
    assert "taken-2" in page.one("#slug-error").get_text()


def test_an_address_taken_a_moment_ago_is_told(app: Flask, host: User) -> None:
    mallory_id = make_host("Mallory").id
    draft = service.Draft({"title": "Race", "slug": "race", "timezone": "UTC"}, [], [])

    def be_faster() -> None:
        with app.app_context():
            db.session.add(BookingPage(user_id=mallory_id, slug="race", title="x", timezone="UTC"))
            db.session.commit()

    def before_flush(*_arguments: object) -> None:
        thread = threading.Thread(target=be_faster)
        thread.start()
        thread.join(timeout=20)

    session = db.session()
    event.listen(session, "before_flush", before_flush, once=True)
    with pytest.raises(service.SlugTaken):
        service.create_page(host, draft)
