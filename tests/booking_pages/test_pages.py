"""The host's booking pages, by plain forms."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.accounts.models import User
from app.booking_pages import service, slugs
from app.booking_pages.forms import COLUMNS
from app.booking_pages.models import BookingPage
from app.core.clock import utcnow
from app.db import db
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import Form, Page, Visitor

NEW = "/dashboard/pages/new"
WORKING_WEEK = [(weekday, 540, 1020) for weekday in range(5)]


def token(visitor: Visitor) -> str:
    """The session's, from a small page: the form of a page offers every zone there is."""
    return str(visitor.get("/settings/integrations").all("[name=csrf_token]")[0]["value"])


def post_new(visitor: Visitor, **values: str) -> Page:
    """Exactly these fields and a form's token, nothing that the form offers."""
    return visitor.post(NEW, {"csrf_token": token(visitor)} | values)


def only_page() -> BookingPage:
    return db.session.scalars(select(BookingPage)).one()


def hours_of(page: BookingPage) -> list[tuple[int, int, int]]:
    return [(row.weekday, row.opens, row.closes) for row in page.hours]


def overrides_of(page: BookingPage) -> list[tuple[date, int | None, int | None]]:
    return [(row.date, row.opens, row.closes) for row in page.overrides]


def page_form(visitor: Visitor, page: BookingPage) -> Form:
    path = f"/dashboard/pages/{page.id}"
    return visitor.get(path).form_to(path)


def press_row(page: Page, do: str, what: str, **values: Any) -> Page:
    """Press an add or remove button of the rows; everything typed goes along."""
    for form in page.soup.select("form"):
        button = form.select_one(f'button[name="{do}"][value="{what}"]')
        if button is not None:
            return Form(page, form, button).send(**values)
    raise AssertionError(f"no button {do}={what}:\n{page.text}")


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
    assert plain - {"csrf_token"} <= columns


def test_every_field_is_kept(app: Flask, aya: Visitor) -> None:
    values = {
        "title": "Thorough", "slug": "thorough", "description": "Two\nlines", "location": "Room 4",
        "duration": "45", "increment": "15", "buffer_before": "5", "buffer_after": "10",
        "notice": "120", "horizon_days": "30", "daily_limit": "3", "timezone": "Europe/Berlin",
        "auto_zoom": "y", "holidays": "JP", "first_day": "2030-01-07", "last_day": "2030-03-31",
    }  # fmt: skip
    post_new(aya, **values)
    page = only_page()
    assert {name: getattr(page, name) for name in COLUMNS} == {
        "title": "Thorough", "slug": "thorough", "description": "Two\nlines", "location": "Room 4",
        "duration": 45, "increment": 15, "buffer_before": 5, "buffer_after": 10, "notice": 120,
        "horizon_days": 30, "daily_limit": 3, "timezone": "Europe/Berlin", "auto_zoom": True,
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


def test_ranges_are_added_and_removed_without_script_and_all_that_was_typed_stays(
    app: Flask, aya: Visitor
) -> None:
    typed = {"title": "Half typed", "slug": "half", "duration": "50", "description": "Keep me"}
    page = press_row(aya.get(NEW), "add", "hours:5", **typed)
    assert page.status == 200
    page = press_row(page, "remove", "hours:0")
    page = press_row(page, "add", "hours:2")
    page = press_row(page, "add", "overrides")
    page.form_to(NEW).send()
    made = only_page()
    assert (made.title, made.slug, made.duration) == ("Half typed", "half", 50)
    assert made.description == "Keep me"
    assert hours_of(made) == [
        (1, 540, 1020), (2, 540, 1020), (2, 1080, 1200), (3, 540, 1020), (4, 540, 1020),
        (5, 540, 1020),
    ]  # fmt: skip
    assert overrides_of(made) == []  # a day without a date was left empty


def test_adding_a_row_saves_nothing_yet(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, hours=[(0, 540, 1020)])
    press_row(aya.get(f"/dashboard/pages/{page.id}"), "add", "hours:0", title="Changed")
    saved = only_page()
    assert (saved.title, hours_of(saved)) == ("Consultation", [(0, 540, 1020)])


def test_adding_a_row_does_not_complain_about_what_is_not_typed_yet(
    app: Flask, aya: Visitor
) -> None:
    page = press_row(aya.get(NEW), "add", "hours:6")
    assert not page.all(".error")
    assert not page.one("title").get_text().startswith("Error:")


def test_enter_saves_and_removes_no_range(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, hours=WORKING_WEEK)
    form = page_form(aya, page)
    assert not form.button.has_attr("name")  # the first button is what Enter presses
    assert not form.button.has_attr("formaction")


def test_all_ranges_removed_is_a_page_that_is_closed_all_week(
    app: Flask, aya: Visitor, host: User
) -> None:
    make_page(host, hours=[(0, 540, 1020)])
    page = press_row(aya.get(f"/dashboard/pages/{only_page().id}"), "remove", "hours:0")
    page.form_to(f"/dashboard/pages/{only_page().id}").send()
    assert hours_of(only_page()) == []


@pytest.mark.parametrize("closes", ["24:00", "0:00", "00:00", "00:00:00"])
def test_a_day_may_end_at_midnight(app: Flask, aya: Visitor, closes: str) -> None:
    post_new(aya, title="Late", slug="late", **{"hours-0-weekday": "4", "hours-0-opens": "20:00", "hours-0-closes": closes})  # fmt: skip
    page = only_page()
    assert hours_of(page) == [(4, 1200, 1440)]
    page_form(aya, page).send()
    assert hours_of(only_page()) == [(4, 1200, 1440)]


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        ("17:00", "09:00", "closes"),
        ("09:00", "09:00", "closes"),
        ("25:00", "26:00", "opens"),
        ("9:60", "10:00", "opens"),
        ("09:00", "24:01", "closes"),
        ("nine", "10:00", "opens"),
        ("", "10:00", "opens"),
        ("09:00", "", "closes"),
    ],
)
def test_a_range_that_makes_no_sense_is_told_at_its_row(
    app: Flask, aya: Visitor, opens: str, closes: str, field: str
) -> None:
    page = post_new(aya, title="x", slug="x", **{"hours-0-weekday": "4", "hours-0-opens": opens, "hours-0-closes": closes})  # fmt: skip
    assert page.status == 422
    assert page.one(f"#hours-0-{field}-error")
    assert page.one("#hours-0-opens")["aria-invalid" if field == "opens" else "value"]
    assert db.session.scalar(select(BookingPage)) is None


def test_overrides_replace_a_day_or_close_it(app: Flask, aya: Visitor) -> None:
    post_new(aya, title="x", slug="x", **{
        "overrides-0-date": "2030-12-24", "overrides-0-opens": "09:00", "overrides-0-closes": "12:00",
        "overrides-1-date": "2030-12-25", "overrides-1-opens": "", "overrides-1-closes": "",
        "overrides-2-date": "2030-12-24", "overrides-2-opens": "20:00", "overrides-2-closes": "24:00",
    })  # fmt: skip
    page = only_page()
    assert overrides_of(page) == [
        (date(2030, 12, 24), 540, 720),
        (date(2030, 12, 24), 1200, 1440),
        (date(2030, 12, 25), None, None),
    ]
    assert hours_of(page) == WORKING_WEEK


@pytest.mark.parametrize(
    "row",
    [
        {"date": "", "opens": "09:00", "closes": "10:00"},
        {"date": "2030-12-24", "opens": "09:00", "closes": ""},
        {"date": "2030-12-24", "opens": "", "closes": "10:00"},
        {"date": "tomorrow", "opens": "", "closes": ""},
    ],
)
def test_an_override_that_makes_no_sense_is_told(
    app: Flask, aya: Visitor, row: dict[str, str]
) -> None:
    sent = {f"overrides-0-{name}": value for name, value in row.items()}
    page = post_new(aya, title="x", slug="x", **sent)
    assert page.status == 422
    assert page.all("#overrides .error")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 121),
        ("description", "x" * 2001),
        ("location", "x" * 301),
        ("duration", "4"),
        ("duration", "721"),
        ("duration", ""),
        ("duration", "half an hour"),
        ("duration", "-30"),
        ("increment", "1"),
        ("buffer_before", "-1"),
        ("buffer_after", "1e3"),
        ("horizon_days", "0"),
        ("daily_limit", "0"),
        ("notice", "-1"),
        ("notice", "soon"),
        ("timezone", "Mars/Olympus"),
        ("holidays", "XX"),
        ("first_day", "soon"),
    ],
)
def test_an_error_keeps_what_was_typed_and_is_told_where_it_is(
    app: Flask, aya: Visitor, field: str, value: str
) -> None:
    typed = {"title": "My title", "slug": "mine", "description": "My words"} | {field: value}
    page = post_new(aya, **typed)
    assert page.status == 422
    assert page.one("title").get_text().startswith("Error:")
    assert page.all(f'.summary a[href="#{field}"]')
    assert page.one(f'[name="{field}"][aria-invalid="true"]')
    kept = dict(page.form_to(NEW).fields)
    if field != "title":
        assert kept["title"] == "My title"
    if field not in {"notice", "timezone", "holidays", "description"}:
        assert kept[field] == value
    assert db.session.scalar(select(BookingPage)) is None


def test_a_page_is_turned_off_and_on(app: Flask, aya: Visitor, host: User, visit: Visitor) -> None:
    page = make_page(host, slug="mine")
    path = f"/dashboard/pages/{page.id}/live"
    aya.get("/dashboard/pages").form_to(path).send()
    assert visit.get("/b/mine").status == 404
    aya.get("/dashboard/pages").form_to(path).send()
    assert visit.get("/b/mine").status == 200


def test_a_page_is_archived_and_restored_with_its_address(
    app: Flask, aya: Visitor, host: User, visit: Visitor
) -> None:
    page = make_page(host, slug="mine")
    path = f"/dashboard/pages/{page.id}"
    aya.get(path).form_to(f"{path}/archive").send()
    assert visit.get("/b/mine").status == 404
    assert not aya.get("/dashboard/pages").all(f"#page-{page.id}")
    aya.get("/dashboard/pages").form_to(f"{path}/restore").send()
    assert visit.get("/b/mine").status == 200


def test_mallory_gets_404_for_every_page_of_aya(app: Flask, host: User) -> None:
    page = make_page(host, slug="mine")
    archived = make_page(host, slug="old")
    service.archive(archived)
    mallory = visit_as(app, make_host("Mallory"))
    sent = {"csrf_token": token(mallory), "title": "Mallory's", "slug": "mine", "is_live": "0"}
    for page_id in (page.id, archived.id):
        path = f"/dashboard/pages/{page_id}"
        assert mallory.get(path).status == 404
        for action in ("", "/live", "/archive", "/restore"):
            assert mallory.post(path + action, sent).status == 404
    db.session.expire_all()
    assert (page.title, page.is_live, page.archived_at) == ("Consultation", True, None)
    assert archived.archived_at is not None
    assert "mine" not in mallory.get("/dashboard/pages").answer.text


def test_a_page_that_is_not_there_is_404(app: Flask, aya: Visitor) -> None:
    assert aya.get("/dashboard/pages/12345").status == 404


@pytest.mark.parametrize("sent", [{"add": "columns:1"}, {"remove": "title"}])
def test_a_row_of_something_else_is_not_understood(
    app: Flask, aya: Visitor, sent: dict[str, str]
) -> None:
    assert post_new(aya, **sent).status == 400


def test_a_changed_page_leaves_its_bookings_as_they_are(
    app: Flask, aya: Visitor, host: User
) -> None:

    page = make_page(host)
    booking = make_booking(page)
    before = (booking.starts_at, booking.ends_at)
    page_form(aya, page).send(duration="60")
    db.session.expire_all()
    assert (booking.starts_at, booking.ends_at) == before
    assert booking.ends_at - booking.starts_at == timedelta(minutes=30)
    assert booking.starts_at > utcnow()
