"""What a reply does to a booking: the host is told of a decline, once, and nothing else happens."""

from datetime import timedelta

import pytest
from flask import Flask

from app.bookings import declines, resend, service
from app.bookings.models import Booking, Change
from app.core.clock import utcnow
from app.db import db
from app.ical.replies import Reply
from tests.replies.steps import KEN, declined_at, deeds, later, notices
from tests.support.cast import make_booking, make_host, make_page, move_back
from tests.support.services import MailServer
from tests.support.together import at_once
from tests.tasks.steps import AYA, text_of, work


def say(booking: Booking, partstat: str, minute: float | None = None, **more: object) -> bool:
    """Let Ken's calendar say it, `minute` telling which came later; now if left out."""
    values = {
        "uid": booking.ical_uid,
        "sequence": booking.ical_sequence,
        "attendee": KEN,
        "partstat": partstat,
        "stamped_at": None if minute is None else later(minute),
    } | more
    return declines.hear(Reply(**values), utcnow())  # type: ignore[arg-type]


def test_a_decline_is_kept_and_the_booking_stands(booking: Booking) -> None:
    assert say(booking, "DECLINED", 3)
    assert declined_at(booking) is not None
    assert booking.status == "confirmed"
    assert booking.hold is not None
    assert (booking.ical_sequence, booking.version) == (0, 1)
    assert deeds() == ["booking.declined"]


def test_the_host_is_told_by_one_mail_without_a_calendar(
    booking: Booking, mails: MailServer
) -> None:
    work()
    say(booking, "DECLINED")
    work()
    [mail] = [mail for mail in mails.to(AYA) if "Declined" in str(mail["Subject"])]
    assert mail["Reply-To"].addresses[0].addr_spec == KEN
    assert "The booking still stands." in text_of(mail)
    assert f"/dashboard/bookings/{booking.public_id}/cancel" in text_of(mail)
    assert {part.get_content_type() for part in mail.walk()} == {
        "multipart/alternative", "text/plain", "text/html",
    }  # fmt: skip
    assert len(mails.to(KEN)) == 1  # the confirmation


def test_a_repeated_decline_tells_nothing_anew(booking: Booking) -> None:
    assert say(booking, "DECLINED", 1)
    assert not say(booking, "DECLINED", 2)
    assert not say(booking, "DECLINED", 1)
    assert len(notices(booking)) == 1
    assert deeds() == ["booking.declined"]


@pytest.mark.parametrize("yes", ["ACCEPTED", "TENTATIVE"])
def test_a_later_yes_takes_the_decline_back(booking: Booking, yes: str) -> None:
    say(booking, "DECLINED", 1)
    assert say(booking, yes, 2)
    assert declined_at(booking) is None
    assert deeds() == ["booking.declined", "booking.decline_withdrawn"]


def test_a_yes_that_was_written_before_the_decline_takes_nothing_back(booking: Booking) -> None:
    say(booking, "DECLINED", 2)
    assert not say(booking, "ACCEPTED", 1)
    assert declined_at(booking) is not None


def test_a_mail_that_a_yes_has_overtaken_is_not_sent(booking: Booking, mails: MailServer) -> None:
    work()
    say(booking, "DECLINED", 1)
    say(booking, "ACCEPTED", 2)
    work()
    assert [task.state for task in notices(booking)] == ["cancelled"]
    assert len(mails.to(AYA)) == 1


def test_each_decline_is_a_mail_of_its_own_up_to_a_number(
    booking: Booking, mails: MailServer
) -> None:
    for minute in range(20):
        say(booking, "DECLINED" if minute % 2 == 0 else "ACCEPTED", minute)
    say(booking, "DECLINED", 30)
    assert len(notices(booking)) == declines.MOST_NOTICES
    work()
    told = [mail for mail in mails.to(AYA) if "Declined" in str(mail["Subject"])]
    assert len({str(mail["Message-ID"]) for mail in told}) == len(told) == declines.MOST_NOTICES


def test_declines_do_not_count_as_mails_that_were_sent_again(booking: Booking) -> None:
    for minute in range(4):
        say(booking, "DECLINED" if minute % 2 == 0 else "ACCEPTED", minute)
    assert resend.times_sent_again(booking) == 0


@pytest.mark.parametrize("partstat", ["NEEDS-ACTION", "DELEGATED", "", "X-NO"])
def test_other_answers_are_not_heard(booking: Booking, partstat: str) -> None:
    assert not say(booking, partstat)
    assert booking.client.reply_stamped_at is None


def test_only_the_client_of_the_booking_is_heard(booking: Booking) -> None:
    for stranger in ("mallory@example.org", AYA, ""):
        assert not say(booking, "DECLINED", attendee=stranger)
    assert not say(booking, "DECLINED", uid="another@calsync.example")
    assert declined_at(booking) is None


def test_the_corrected_address_is_the_one_that_counts(booking: Booking) -> None:
    resend.correct_address(booking, "ken@example.org")
    assert not say(booking, "DECLINED")
    assert say(booking, "DECLINED", attendee="ken@example.org")


def test_what_is_cancelled_or_over_is_left_alone(booking: Booking) -> None:
    page = make_page(make_host("Mallory", email="mallory@example.org"))
    over = make_booking(page)
    move_back(over, timedelta(days=3))
    service.cancel(booking, by="host")
    for one in (booking, over):
        assert not say(one, "DECLINED")
        assert declined_at(one) is None
    assert deeds() == []


def test_an_answer_to_the_time_before_a_move_is_old_news(booking: Booking) -> None:
    booking.ical_sequence = 3  # as a link, a move, and another address after it leave it
    booking.changes.append(Change(sequence=2, by="host", old_starts_at=booking.starts_at))
    db.session.commit()
    assert not say(booking, "DECLINED", sequence=1)
    assert say(booking, "DECLINED", sequence=2)


def test_an_answer_from_before_a_link_came_is_about_the_same_time(booking: Booking) -> None:
    booking.ical_sequence = 1
    db.session.commit()
    assert say(booking, "DECLINED", sequence=0)


def test_a_move_forgets_what_was_said_about_the_earlier_time(booking: Booking) -> None:
    say(booking, "DECLINED", 1)
    declines.forget(booking.client)
    db.session.commit()
    assert declined_at(booking) is None
    assert not say(booking, "DECLINED", 1)
    assert say(booking, "DECLINED", 2)


def test_at_the_same_moment_the_same_answer_is_heard_once(app: Flask, booking: Booking) -> None:
    reply = Reply(booking.ical_uid, 0, KEN, "DECLINED", later(1))

    def hear() -> bool:
        with app.app_context():
            return declines.hear(reply, utcnow())

    db.session.commit()
    assert sorted(at_once(hear, hear, hear)) == [False, False, True]
    assert len(notices(booking)) == 1


def test_a_calendar_whose_clock_is_ahead_is_heard_again(booking: Booking) -> None:
    ahead = utcnow() + timedelta(days=400)
    assert say(booking, "DECLINED", stamped_at=ahead)
    assert booking.client.reply_stamped_at <= utcnow()
    assert say(booking, "ACCEPTED", stamped_at=ahead + timedelta(minutes=1))


def test_a_reply_without_a_stamp_counts_by_its_arrival(booking: Booking) -> None:
    reply, arrived_at = Reply(booking.ical_uid, 0, KEN, "DECLINED", None), later(1)
    assert declines.hear(reply, arrived_at)
    assert not declines.hear(reply, arrived_at)
    assert declined_at(booking) == arrived_at
