"""Addresses that a page has given up: they lead to it, and are nobody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages import service, slugs
from app.booking_pages.models import BookingPage, PageAddress
from app.bookings.models import Booking
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from tests.support.cast import make_host, make_page, tomorrow
from tests.support.together import at_once
from tests.support.visitor import Visitor

SENT = {"name": "Ken Yamada", "email": "ken@example.com", "note": "My case"}


def rename(page: BookingPage, slug: str) -> None:
    service.update_page(page, draft(page, slug))


def draft(page: BookingPage, slug: str, **columns: Any) -> service.Draft:
    saved = service.draft_of(page)
    kept = {name: saved.columns[name] for name in ("title", "timezone")}
    return service.Draft(kept | {"slug": slug} | columns, saved.hours, saved.overrides)


def in_context(app: Flask, work: Callable[[], Any]) -> Callable[[], Any]:
    """The work of a thread, with an app context of its own."""

    def run() -> Any:
        with app.app_context():
            return work()

    return run


def test_an_old_link_leads_to_the_page_with_all_it_asked_for(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="before")
    rename(page, "now")
    slot = f"{tomorrow():{SLOT_FORM}}"
    for path in ("", f"/{slot}"):
        for query in ("", "?month=2030-01&tz=Europe/Berlin&lang=ja"):
            answer = visit.transport.send("GET", f"/b/before{path}{query}", None)
            assert answer.status == 308
            assert answer.headers["Location"] == f"/b/now{path}{query}"
            # A kept redirect would lead in a circle once the page takes the slug back.
            assert answer.headers["Cache-Control"] == "no-store"
    assert visit.get("/b/BEFORE").path == "/b/now"


def test_a_form_opened_at_the_old_address_books_with_what_was_typed(
    app: Flask, visit: Visitor
) -> None:
    page = make_page(make_host(), slug="before")
    form = visit.get(f"/b/before/{tomorrow():{SLOT_FORM}}").form("Book this time")
    rename(page, "now")
    wrong = form.send(**SENT | {"email": "nobody"})
    assert wrong.status == 422
    assert dict(wrong.form("Book this time").fields)["note"] == "My case"
    assert form.send(**SENT).status == 200
    assert db.session.scalars(select(Booking)).one().note == "My case"


def test_an_old_address_of_a_page_that_is_off_is_no_page(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="before")
    rename(page, "now")
    service.set_live(page, False)
    assert visit.get("/b/before").status == 404


def test_an_old_address_is_neither_free_nor_suggested(app: Flask, aya: Visitor) -> None:
    page = make_page(make_host("Mallory"), slug="first-meeting")
    rename(page, "second")
    assert not slugs.is_free("first-meeting")
    assert slugs.suggest("First meeting") == "first-meeting-2"
    form = aya.get("/dashboard/pages/new").form_to("/dashboard/pages/new")
    answer = form.send(title="First meeting", slug="first-meeting")
    assert answer.status == 422
    assert "first-meeting-2" in answer.one("#slug-error").get_text()


def test_a_page_takes_its_old_address_back(
    app: Flask, aya: Visitor, host: User, visit: Visitor
) -> None:
    page = make_page(host, slug="before")
    path = f"/dashboard/pages/{page.id}"
    for slug in ("now", "before", "now", "before"):
        assert aya.get(path).form_to(path).send(slug=slug).status == 200
        assert page.slug == slug
    assert visit.get("/b/now").path == "/b/before"
    assert visit.get("/b/before").status == 200
    assert {address.slug for address in page.addresses} == {"before", "now"}


def test_saving_with_an_empty_address_keeps_the_one_it_has(
    app: Flask, aya: Visitor, host: User
) -> None:
    page = make_page(host, slug="mine", title="Consultation")
    path = f"/dashboard/pages/{page.id}"
    answer = aya.get(path).form_to(path).send(slug="", title="Another title")
    assert answer.one("input[name=slug]")["value"] == "mine"
    assert (page.slug, page.title) == ("mine", "Another title")


def test_a_deleted_page_frees_its_addresses(app: Flask) -> None:
    page = make_page(make_host(), slug="before")
    rename(page, "now")
    db.session.delete(page)
    db.session.commit()
    assert slugs.is_free("before")
    assert slugs.is_free("now")


def test_an_address_given_up_is_taken_by_nobody_who_asks_at_that_moment(app: Flask) -> None:
    page_id = make_page(make_host(), slug="wanted").id
    hosts = [make_host(f"Host{number}").id for number in range(6)]

    def give_up() -> None:
        rename(db.session.get_one(BookingPage, page_id), "other")

    def ask(host_id: int) -> Callable[[], BookingPage]:
        asked = service.Draft({"title": "x", "slug": "wanted", "timezone": "UTC"}, [], [])
        return lambda: service.create_page(db.session.get_one(User, host_id), asked)

    ends = at_once(*[in_context(app, work) for work in (give_up, *map(ask, hosts))])
    db.session.expire_all()
    assert ends[0] is None
    assert all(isinstance(end, service.SlugTaken) for end in ends[1:])
    assert db.session.scalars(select(PageAddress.page_id)).all() == [page_id, page_id]


def test_of_pages_that_want_one_address_at_once_one_gets_it(app: Flask) -> None:
    ids = [make_page(make_host(f"Host{number}"), slug=f"mine-{number}").id for number in range(6)]

    def ask(page_id: int) -> Callable[[], None]:
        return lambda: rename(db.session.get_one(BookingPage, page_id), "wanted")

    ends = at_once(*[in_context(app, ask(page_id)) for page_id in ids])
    db.session.expire_all()
    assert sorted(type(end).__name__ for end in ends) == ["NoneType"] + ["SlugTaken"] * 5
    assert (
        len(db.session.scalars(select(BookingPage).where(BookingPage.slug == "wanted")).all()) == 1
    )


def test_hosts_who_leave_the_address_to_us_at_once_each_get_one(app: Flask) -> None:
    hosts = [make_host(f"Host{number}").id for number in range(8)]
    asked = service.Draft({"title": "First meeting", "slug": "", "timezone": "UTC"}, [], [])

    def ask(host_id: int) -> Callable[[], str]:
        return lambda: service.create_page(db.session.get_one(User, host_id), asked).slug

    made = at_once(*[in_context(app, ask(host_id)) for host_id in hosts])
    assert all(isinstance(slug, str) for slug in made)
    assert len(set(made)) == 8
    assert all(slug.startswith("first-meeting") for slug in made)


def test_an_address_of_another_page_changes_nothing_of_this_one(app: Flask, host: User) -> None:
    page = make_page(host, slug="mine")
    make_page(make_host("Mallory"), slug="hers")
    with pytest.raises(service.SlugTaken):
        service.update_page(page, draft(page, "hers", title="Changed"))
    assert (page.slug, page.title, page.version) == ("mine", "Consultation", 1)
