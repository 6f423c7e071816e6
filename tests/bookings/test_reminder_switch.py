"""A client turns reminders off, by a page, by one click of a mail program, and on again."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import outbox
from app.bookings import followups, reminder_switch, service
from app.bookings.models import Booking
from app.bookings.reminder_switch import switch_token
from app.db import db
from app.events import Event
from app.outbox import State
from tests.bookings.test_reminders import BOTH, TO_CLIENT, TO_HOST, move, planned, reminders_of
from tests.support.cast import make_booking, make_host, make_page, tomorrow
from tests.support.together import at_once
from tests.support.visitor import InProcess, Visitor

ONE_CLICK = [("List-Unsubscribe", "One-Click")]
ELSEWHERE = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def booking(app: Flask) -> Booking:
    page = make_page(make_host(), reminders=BOTH, title="Consultation")
    return make_booking(page, tomorrow(1) + timedelta(days=2))


@pytest.fixture
def address(booking: Booking) -> str:
    return f"/reminders/{switch_token(booking)}"


def events() -> list[str]:
    actions = db.session.scalars(select(Event.action).order_by(Event.id)).all()
    return [action for action in actions if "reminders" in action]


def test_one_button_turns_them_off_and_another_on_again(
    visit: Visitor, booking: Booking, address: str
) -> None:
    before = planned(booking)
    page = visit.get(address)
    assert (page.status, len(page.all("main form button"))) == (200, 1)
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.answer.headers
    off = page.press("Turn off reminders")
    assert off.path == address
    assert "Reminders are off" in off.text
    assert [kind for kind, _at in planned(booking)] == [TO_HOST]
    assert booking.client.reminders_off_at is not None
    assert "We remind you" not in visit.get(f"/booking/{booking.client.token}").text
    on = off.press("Turn reminders on again")
    assert "Turn off reminders?" in on.text
    assert planned(booking) == before
    assert len(reminders_of(booking)) == 3
    assert events() == ["booking.reminders_off", "booking.reminders_on"]


def test_a_mail_programs_click_counts_from_anywhere_and_is_led_nowhere(
    app: Flask, booking: Booking, address: str
) -> None:
    provider = InProcess(app, ELSEWHERE)
    for _ in range(2):
        answer = provider.send("POST", address, ONE_CLICK)
        assert answer.status == 200
    assert [kind for kind, _at in planned(booking)] == [TO_HOST]
    assert events() == ["booking.reminders_off"]


def test_another_sites_form_changes_nothing(app: Flask, booking: Booking, address: str) -> None:
    stranger = InProcess(app, ELSEWHERE)
    assert stranger.send("POST", address, []).status == 403
    assert stranger.send("POST", f"{address}/on", ONE_CLICK).status == 403
    assert len(planned(booking)) == 3


def test_the_switch_opens_nothing_else_and_is_each_bookings_own(
    visit: Visitor, booking: Booking, address: str
) -> None:
    token = switch_token(booking)
    assert booking.client.token not in visit.get(address).text
    assert visit.get(f"/booking/{token}").status == 404
    assert visit.get(f"/reminders/{booking.client.token}").status == 404
    other = make_booking(booking.page, tomorrow(5))
    swapped = f"{other.public_id}-{token.partition('-')[2]}"
    for wrong in (swapped, token[:-1], f"{booking.public_id}-", booking.public_id, f"{token}é"):
        assert visit.get(f"/reminders/{wrong}").status == 404


def test_a_move_plans_none_for_who_has_turned_them_off_and_all_once_they_are_on(
    booking: Booking,
) -> None:
    reminder_switch.turn_off(booking)
    move(booking, booking.starts_at + timedelta(days=1))
    assert [kind for kind, _at in planned(booking)] == [TO_HOST]
    reminder_switch.turn_on(booking)
    assert [kind for kind, _at in planned(booking)] == [TO_CLIENT, TO_CLIENT, TO_HOST]
    db.session.refresh(booking)
    assert planned(booking)[0][1] == booking.starts_at - timedelta(days=1)


def test_what_was_sent_is_not_planned_again(booking: Booking) -> None:
    first = reminders_of(booking)[0]
    first.state = State.DONE
    db.session.commit()
    reminder_switch.turn_off(booking)
    reminder_switch.turn_on(booking)
    assert [kind for kind, _at in planned(booking)] == [TO_CLIENT, TO_HOST]


def test_presses_at_once_have_one_effect(app: Flask, booking: Booking, address: str) -> None:
    def press() -> int:
        return InProcess(app, ELSEWHERE).send("POST", address, ONE_CLICK).status

    assert at_once(*[press] * 6) == [200] * 6
    assert events() == ["booking.reminders_off"]


def test_a_cancelled_booking_has_no_switch_and_turning_on_plans_nothing(
    visit: Visitor, booking: Booking, address: str
) -> None:
    reminder_switch.turn_off(booking)
    service.cancel(booking, by="client")
    page = visit.get(address)
    assert "No more reminders" in page.text
    assert not page.all("main form")
    visit.post(f"{address}/on", [])
    assert planned(booking) == []


def test_the_host_reads_who_has_turned_them_off(app: Flask, booking: Booking) -> None:
    from tests.support.cast import visit_as  # noqa: PLC0415

    reminder_switch.turn_off(booking)
    page = visit_as(app, booking.host).get(f"/dashboard/bookings/{booking.public_id}")
    assert page.one(".timeline").get_text(" ").count("Reminders turned off by the client") == 1


def test_the_page_speaks_the_clients_language(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host("Mai"), reminders=BOTH)
    booking = make_booking(page, tomorrow(7) + timedelta(days=2), locale="ja")
    answer = visit.get(f"/reminders/{switch_token(booking)}?lang=ja")
    assert "リマインダーを停止しますか？" in answer.text
    client = visit.get(f"/booking/{booking.client.token}?lang=ja")
    assert "開始の1日前、1時間前にメールでお知らせします。" in client.text


def test_a_token_that_no_key_opens_has_no_switch(booking: Booking, address: str) -> None:
    assert reminder_switch.find_by_switch(address.rpartition("/")[2]) is not None
    count = db.session.scalar(select(func.count()).where(followups.reminders_of(booking.id)))
    assert count == 3
    booking.client.token = ""
    db.session.commit()
    assert reminder_switch.find_by_switch(address.rpartition("/")[2]) is None
    outbox.call_off_waiting(followups.reminders_of(booking.id))
