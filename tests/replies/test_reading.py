"""What is read of a mailbox, once, and with nothing in it changed; at our own server and at Dovecot."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.replies import reading
from app.replies.reading import read_replies
from tests.replies.steps import (
    answer,
    declined_at,
    deeds,
    later,
    mail_with,
    mailbox_row,
    make_due,
    notices,
    other_mail,
)
from tests.support.imap import MailboxServer, StandIn


def test_nothing_is_asked_where_no_mailbox_is_named(app: Flask) -> None:
    assert read_replies() is None


def test_a_decline_that_comes_is_heard_once(booking: Booking, mailbox: MailboxServer) -> None:
    read_replies(even_early=True)
    mailbox.add(other_mail())
    mailbox.add(mail_with(answer(booking)))
    mailbox.add(other_mail())
    make_due()
    found = read_replies()
    assert found is not None
    assert (found.mails, found.replies, found.heard) == (3, 1, 1)
    assert declined_at(booking) is not None
    assert len(notices(booking)) == 1
    make_due()
    again = read_replies()
    assert again is not None
    assert again.mails == 0
    assert deeds() == ["booking.declined"]


def test_of_a_mailbox_that_was_never_read_only_the_last_days_are(
    booking: Booking, mailbox: MailboxServer
) -> None:
    for day in range(40, 20, -1):
        mailbox.add(other_mail(), arrived_at=utcnow() - timedelta(days=day))
    mailbox.add(mail_with(answer(booking)), arrived_at=utcnow() - timedelta(days=2))
    found = read_replies(even_early=True)
    assert found is not None
    assert found.heard == 1


def test_where_all_numbers_have_changed_the_last_days_are_read_again_and_nothing_told_anew(
    booking: Booking, mailbox: MailboxServer
) -> None:
    mailbox.add(mail_with(answer(booking, stamp=later(1))))
    mailbox.add(mail_with(answer(booking, "ACCEPTED", stamp=later(2))))
    read_replies(even_early=True)
    before = mailbox_row().uid_validity
    assert deeds() == ["booking.declined", "booking.decline_withdrawn"]
    mailbox.renumber()
    make_due()
    found = read_replies()
    assert found is not None
    assert (found.replies, found.heard) == (2, 0)
    assert mailbox_row().uid_validity != before
    assert len(deeds()) == 2
    assert declined_at(booking) is None


def test_a_mail_that_was_heard_and_not_noted_is_heard_again_without_effect(
    booking: Booking, mailbox: MailboxServer
) -> None:
    read_replies(even_early=True)
    last = mailbox_row().last_uid
    mailbox.add(mail_with(answer(booking)))
    make_due()
    read_replies()
    row = mailbox_row()
    row.last_uid = last
    make_due()
    found = read_replies()
    assert found is not None
    assert (found.replies, found.heard) == (1, 0)
    assert len(notices(booking)) == 1


def test_a_full_mailbox_is_read_in_rounds(
    booking: Booking, mailbox: MailboxServer, monkeypatch
) -> None:
    read_replies(even_early=True)
    monkeypatch.setattr(reading, "MOST_MAILS", 5)
    for _ in range(12):
        mailbox.add(other_mail())
    mailbox.add(mail_with(answer(booking)))
    rounds = []
    make_due()
    while (found := read_replies()) is not None:
        rounds.append((found.mails, found.has_more))
    assert rounds == [(5, True), (5, True), (3, False)]
    assert declined_at(booking) is not None


def test_of_ten_thousand_other_mails_none_is_asked_for(booking: Booking, stand_in: StandIn) -> None:
    mail = other_mail()
    for _ in range(10_000):
        stand_in.add(mail, arrived_at=utcnow() - timedelta(days=30))
    read_replies()
    assert stand_in.asked("UID FETCH") == []
    stand_in.add(mail_with(answer(booking)))
    make_due()
    read_replies()
    assert [command.split()[2] for command in stand_in.asked("UID FETCH")] == ["10001", "10001"]
    assert declined_at(booking) is not None


def test_numbers_with_wide_gaps_are_passed_over(
    booking: Booking, stand_in: StandIn, monkeypatch
) -> None:
    monkeypatch.setattr(reading, "MOST_NUMBERS", 100)
    read_replies()
    stand_in.next_uid = 350
    stand_in.add(mail_with(answer(booking)))
    make_due()
    rounds = 0
    while read_replies() is not None:
        rounds += 1
    assert rounds == 4
    assert declined_at(booking) is not None


def test_nothing_in_the_mailbox_is_changed(booking: Booking, stand_in: StandIn) -> None:
    stand_in.add(mail_with(answer(booking)))
    read_replies()
    assert declined_at(booking) is not None
    words = {command.split()[0] for command in stand_in.commands}
    assert words == {"CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID", "LOGOUT"}
    assert all(".PEEK[" in command for command in stand_in.asked("UID FETCH"))


def test_what_is_too_large_or_no_answer_by_its_kind_is_not_fetched(
    booking: Booking, stand_in: StandIn
) -> None:
    calendar = mail_with(answer(booking))
    stand_in.add(calendar + b"x" * 1024 * 1024)
    stand_in.add(calendar.replace(b"multipart/alternative", b"multipart/report"))
    stand_in.add(other_mail())
    found = read_replies()
    assert found is not None
    assert (found.mails, found.replies) == (3, 0)
    assert len(stand_in.asked("UID FETCH")) == 1


def test_two_who_read_at_the_same_time_do_not_read_the_same(
    booking: Booking, stand_in: StandIn
) -> None:
    stand_in.add(mail_with(answer(booking)))
    seen = []
    found = read_replies(lambda: seen.append(read_replies(even_early=True)) or False)
    assert found is not None
    assert found.heard == 1
    assert seen == [None]
    assert read_replies() is None


def test_a_turn_whose_lease_was_lost_notes_nothing(
    booking: Booking, stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    stand_in.add(mail_with(answer(booking)))
    stand_in.add(mail_with(answer(booking, "ACCEPTED")))

    def another_takes_it() -> bool:
        make_due()
        assert read_replies() is not None
        return False

    assert read_replies(another_takes_it) is None
    row = mailbox_row()
    assert (row.last_uid, row.lease_token) == (2, None)
    assert len(notices(booking)) == 1


def test_an_end_of_the_process_leaves_the_rest_to_the_next(
    booking: Booking, stand_in: StandIn
) -> None:
    stand_in.add(mail_with(answer(booking, stamp=later(1))))
    stand_in.add(mail_with(answer(booking, "ACCEPTED", stamp=later(2))))
    read_replies(lambda: True)
    assert declined_at(booking) is not None
    assert mailbox_row().last_uid == 1
    make_due()
    read_replies()
    assert declined_at(booking) is None
