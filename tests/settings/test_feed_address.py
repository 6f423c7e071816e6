"""The address of the host's feed in Settings: shown once, ended by the next one, turned off."""

from urllib.parse import urlsplit

from flask import Flask

from app.accounts.models import User
from app.core.crypto import fingerprint
from app.db import db
from app.events import Event
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import Page, Visitor

SETTINGS = "/settings/integrations"


def address(page: Page) -> str:
    return str(page.one("#feed-address")["value"])


def status(visit: Visitor, where: str) -> int:
    return visit.transport.send("GET", urlsplit(where).path, None).status


def test_the_address_is_shown_once_and_only_its_fingerprint_is_kept(
    app: Flask, visit: Visitor
) -> None:
    host = make_host()
    aya = visit_as(app, host)
    made = aya.get(SETTINGS).press("Turn on and show the address")
    shown = address(made)
    assert shown.startswith("http://127.0.0.1/feed/")
    token = shown.removeprefix("http://127.0.0.1/feed/").removesuffix(".ics")
    assert db.session.get_one(User, host.id).feed_token_hash == fingerprint(token)
    assert "Google Calendar" in made.text
    assert status(visit, shown) == 200
    again = aya.get(SETTINGS)
    assert token not in again.answer.text
    assert "cannot be shown again" in again.text


def test_a_new_address_ends_the_old_one(app: Flask, visit: Visitor) -> None:
    aya = visit_as(app, make_host())
    first = address(aya.get(SETTINGS).press("Turn on and show the address"))
    second = address(aya.get(SETTINGS).press("Make a new address"))
    assert (status(visit, first), status(visit, second)) == (404, 200)


def test_turned_off_it_opens_nothing(app: Flask, visit: Visitor) -> None:
    host = make_host()
    make_booking(make_page(host))
    aya = visit_as(app, host)
    made = aya.get(SETTINGS).press("Turn on and show the address")
    off = made.press("Turn off")
    assert "The calendar feed is off." in off.text
    assert status(visit, address(made)) == 404
    assert db.session.get_one(User, host.id).feed_token_hash is None
    deeds = [event.action for event in db.session.query(Event).filter_by(subject_kind="feed")]
    assert deeds == ["feed.made", "feed.ended"]
