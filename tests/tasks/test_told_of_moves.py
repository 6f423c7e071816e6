"""What the mail about a move tells a reader whose mail about what was before it never left."""

from flask import Flask

from app.bookings import moving
from app.bookings.service import ByHost, Client, book
from app.events import Actor
from tests.support.cast import make_booking, make_host, make_page, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import AYA, KEN, text_of, work

CLIENT, HOST = Actor.CLIENT, Actor.HOST


def test_the_mail_of_two_quick_moves_tells_the_time_that_was_known_and_all_words(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    work()
    moving.move(booking, tomorrow(6), CLIENT, words="At the doctor until noon")
    moving.move(booking, tomorrow(9), CLIENT, words="Sorry, the wrong day")
    work()
    to_aya = text_of(mails.to(AYA)[-1]).replace("\r\n", "\n")
    assert "> At the doctor until noon\n> \n> Sorry, the wrong day\n" in to_aya
    former, new = (f"{time} time: " for time in ("Former", "New"))
    assert to_aya.split(former)[1].splitlines()[0].endswith("12:00–12:30")  # Tokyo
    assert to_aya.split(new)[1].splitlines()[0].endswith("18:00–18:30")
    assert "doctor" not in text_of(mails.to(KEN)[-1])
    moving.move(booking, tomorrow(12), CLIENT)
    work()
    last = text_of(mails.to(AYA)[-1])
    assert "doctor" not in last
    assert last.split(former)[1].splitlines()[0].endswith("18:00–18:30")


def test_back_at_the_known_time_no_two_equal_times_are_shown(app: Flask, mails: MailServer) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    work()
    moving.move(booking, tomorrow(6), CLIENT)
    moving.move(booking, tomorrow(3), CLIENT)
    work()
    assert "Former time: " in (told := text_of(mails.to(AYA)[-1]))
    assert told.split("Former time: ")[1].splitlines()[0].endswith("15:00–15:30")


def test_what_the_host_said_by_booking_is_told_by_the_move_that_came_first(
    app: Flask, mails: MailServer
) -> None:
    page = make_page(make_host())
    ken = Client("Ken Yamada", KEN, "", "Europe/Berlin", "en")
    by_host = ByHost(words="Please bring the plans")
    booking = book(page, tomorrow(3), ken, "k" * 22, by_host=by_host)
    moving.move(booking, tomorrow(6), HOST)
    work()
    [told] = mails.to(KEN)
    assert "> Please bring the plans" in text_of(told)
