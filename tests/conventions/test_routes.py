"""Who may go where, declared; and what a GET must not do."""

from datetime import UTC
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from app.accounts.models import User
from app.bookings.models import Booking
from app.db import db
from app.outbox import queue
from app.schedules import time_off
from tests.support.cast import (
    PASSWORD,
    connect_zoom,
    make_booking,
    make_host,
    make_page,
    tomorrow,
    visit_as,
)
from tests.support.visitor import InProcess, Visitor

# public: anybody · token: who holds a booking's address · host: who is signed in · admin.
# A new route fails here until somebody has decided who may use it.
DECLARED = {
    "static": "public",
    "asset_css": "public",
    "asset_js": "public",
    "dashboard.landing": "public",
    "accounts.new_account": "public",
    "accounts.create_account": "public",
    "accounts.sign_in": "public",
    "accounts.create_session": "public",
    "accounts.choose_language": "public",
    "public.show": "public",
    "public.form": "public",
    "public.create": "public",
    "public.form_again": "public",
    "public.booked": "public",
    "zoom.callback": "public",
    "guide.documentation": "public",
    "guide.support": "public",
    "guide.privacy": "public",
    "guide.terms": "public",
    "zoom.verify_domain": "public",
    "zoom_webhook.receive": "public",
    "health.alive": "public",
    "health.ready": "public",
    "client.show": "token",
    "client.meeting": "token",
    "client.ask_cancel": "token",
    "client.cancel": "token",
    "client_move.show": "token",
    "client_move.form": "token",
    "client_move.move": "token",
    "client_move.again": "token",
    "join.go": "token",
    "again.show": "token",
    "again.form": "token",
    "notifications.invite": "token",
    "reminders.show": "token",
    "reminders.turn_off": "token",
    "reminders.turn_on": "token",
    "feed.show": "token",
    "accounts.end_session": "host",
    "dashboard.show": "host",
    "booking_pages.index": "host",
    "booking_pages.new": "host",
    "booking_pages.create": "host",
    "booking_pages.suggest_slug": "host",
    "booking_pages.next_holidays": "host",
    "booking_pages.edit": "host",
    "booking_pages.update": "host",
    "booking_pages.set_live": "host",
    "booking_pages.archive": "host",
    "booking_pages.restore": "host",
    "time_off.index": "host",
    "time_off.create": "host",
    "time_off.delete": "host",
    "bookings.index": "host",
    "export.bookings": "host",
    "bookings.show": "host",
    "bookings.live": "host",
    "bookings.timeline": "host",
    "bookings.start": "host",
    "preview.show": "host",
    "bookings.ask_cancel": "host",
    "bookings.cancel": "host",
    "bookings.retry": "host",
    "host_move.show": "host",
    "host_move.form": "host",
    "host_move.move": "host",
    "host_move.again": "host",
    "settings.profile": "host",
    "settings.update_profile": "host",
    "settings.integrations": "host",
    "settings.diagnose": "host",
    "feed_address.make": "host",
    "feed_address.end": "host",
    "zoom.connect": "host",
    "zoom.disconnect": "host",
    "admin.ask_password": "admin",
    "admin.confirm": "admin",
    "failed.show": "admin",
    "failed.retry": "admin",
    "resend.correct": "host",
    "resend.again": "host",
    "marks.keep_note": "host",
    "marks.no_show": "host",
    "rebook.pick": "host",
    "rebook.confirm": "host",
    "rebook.create": "host",
    "series.new": "host",
    "series.go_on": "host",
    "series.create": "host",
    "series.create_more": "host",
    "series.ask_cancel": "host",
    "series.cancel": "host",
}
# Parts of an address that name something of one host.
OBJECTS = {"page_id", "public_id", "task_id", "time_off_id"}
# They store a state, and are bound by it.
MAY_CHANGE_ON_GET = {"zoom.connect", "zoom.callback"}


def level_of(endpoint: str) -> str:
    return "admin" if endpoint.startswith("rq_dashboard.") else DECLARED[endpoint]


def rules(app: Flask, *levels: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if level_of(rule.endpoint) in levels]


def methods_of(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def address_of(app: Flask, rule: Rule, values: dict[str, Any]) -> str:
    """A real address of a rule; a KeyError asks for a value of a new kind of part."""
    return app.url_map.bind("").build(
        rule.endpoint, {name: values[name] for name in rule.arguments}
    )


@pytest.fixture
def values(app: Flask) -> dict[str, Any]:
    """A value for each part of an address, all of them Aya's real objects."""
    host = make_host(is_admin=True)
    connect_zoom(host)
    page = make_page(host)
    booking = make_booking(page)
    absence = time_off.add(host, tomorrow(5), tomorrow(6))
    mails = queue.queue_of(
        queue.MAILS, queue.worker_connection(app.extensions["settings"].redis_url)
    )
    return {
        "page_id": page.id, "time_off_id": absence.id, "slug": page.slug, "start": tomorrow(2).astimezone(UTC),
        "token": booking.client.token, "public_id": booking.public_id, "task_id": booking.tasks[0].id,
        "version": "1", "filename": "css/base.css",
        # of rq-dashboard
        "instance_number": 0, "queue_name": "mails", "registry_name": "queued", "per_page": 8,
        "order": "asc", "page": 1, "job_id": mails.get_job_ids()[0],
    }  # fmt: skip


def rows(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted(tuple(map(str, row)) for row in connection.execute(select(table)))
            for table in db.metadata.sorted_tables
        }


def test_every_route_is_declared_and_nothing_else(bare_app: Flask) -> None:
    routes = {
        rule.endpoint
        for rule in bare_app.url_map.iter_rules()
        if not rule.endpoint.startswith("rq_dashboard.")
    }
    assert routes == set(DECLARED)


def test_a_stranger_is_sent_from_every_hosts_route_to_the_door(
    app: Flask, values: dict[str, Any]
) -> None:
    stranger = InProcess(app)
    for rule in rules(app, "host", "admin"):
        for method in methods_of(rule):
            # Without a form's token a POST does not even get there.
            if method == "POST" and not rule.endpoint.startswith("rq_dashboard."):
                sent = stranger.send(method, address_of(app, rule, values), [])
                assert sent.status == 400, rule
            else:
                answer = stranger.send(method, address_of(app, rule, values), None)
                assert answer.status == 303, rule
                assert answer.headers["Location"].startswith("/login"), rule


def test_a_stranger_with_a_forms_token_is_sent_to_the_door_as_well(
    app: Flask, values: dict[str, Any]
) -> None:
    stranger = InProcess(app)
    token = dict(Visitor(stranger).get("/login").form_to("/login").fields)["csrf_token"]
    before = rows(app)
    for rule in rules(app, "host", "admin"):
        if "POST" in methods_of(rule):
            answer = stranger.send("POST", address_of(app, rule, values), [("csrf_token", token)])
            assert answer.status == 303, rule
            assert answer.headers["Location"] == "/login", rule
    assert rows(app) == before


def test_mallory_gets_404_for_every_object_of_aya(app: Flask, values: dict[str, Any]) -> None:
    mallory = visit_as(app, make_host("Mallory"))
    token = dict(mallory.get("/settings").form_to("/settings").fields)["csrf_token"]
    before = rows(app)
    tried = 0
    for rule in rules(app, "host", "admin"):
        is_admins = level_of(rule.endpoint) == "admin"
        if not is_admins and not rule.arguments & OBJECTS:
            continue
        for method in methods_of(rule):
            sent = [("csrf_token", token)] if method == "POST" else None
            answer = mallory.transport.send(method, address_of(app, rule, values), sent)
            assert answer.status == 404, rule
            tried += 1
    assert tried >= 10
    assert rows(app) == before


@pytest.mark.parametrize("token", ["x", "0" * 43, "../../etc/passwd", "%00"])
def test_a_made_up_token_opens_nothing(app: Flask, values: dict[str, Any], token: str) -> None:
    stranger = InProcess(app)
    for rule in rules(app, "token"):
        for method in methods_of(rule):
            address = address_of(app, rule, values | {"token": "TOKEN"}).replace("TOKEN", token)
            assert stranger.send(method, address, [] if method == "POST" else None).status in {
                404,
                405,
            }, rule
    assert db.session.scalars(select(Booking)).one().is_live


def test_a_get_changes_no_row(app: Flask, values: dict[str, Any]) -> None:
    aya = visit_as(app, db.session.scalars(select(User)).one())
    aya.get("/admin/queues/").form_to("/admin/confirm").send(password=PASSWORD)
    before = rows(app)
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()) or rule.endpoint in MAY_CHANGE_ON_GET:
            continue
        for method in ("GET", "HEAD"):
            answer = aya.transport.send(method, address_of(app, rule, values), None)
            assert answer.status < 500, rule
            assert rows(app) == before, rule


def test_what_may_change_on_get_changes_no_row_of_others_either(
    app: Flask, values: dict[str, Any]
) -> None:
    stranger = InProcess(app)
    before = rows(app)
    for endpoint in MAY_CHANGE_ON_GET:
        rule = next(app.url_map.iter_rules(endpoint))
        stranger.send("GET", address_of(app, rule, values) + "?code=x&state=y", None)
    assert rows(app) == before
