"""Each reader in their own zone and language, and what is whose."""

from datetime import UTC, datetime
from email.utils import parseaddr

import pytest
import time_machine
from bs4 import BeautifulSoup

from tests.notifications.rows import booking_row, calendars, event_in, text_of, written
from tests.notifications.steps import OCCASIONS


def test_each_reads_the_time_in_a_zone_of_their_own_named_with_its_offset() -> None:
    booking = booking_row()
    client, host = written(booking, "client"), written(booking, "host")
    assert "1 December 2026 01:30–02:00" in text_of(client)
    assert "Central European Time (Berlin)" in text_of(client)
    assert "UTC+1" in text_of(client)
    assert "1 December 2026 09:30–10:00" in text_of(host)
    assert "Japan Time (Tokyo)" in text_of(host)
    assert "UTC+9" in text_of(host)
    assert "01:30–02:00" in str(client["Subject"])
    assert "09:30–10:00" in str(host["Subject"])


@pytest.mark.parametrize(
    ("start", "day", "offset"),
    [
        # Written in October, in summer time, for a day on each side of the change.
        (datetime(2026, 10, 24, 8, 0, tzinfo=UTC), "24 October 2026 10:00–10:30", "UTC+2"),
        (datetime(2026, 10, 26, 8, 0, tzinfo=UTC), "26 October 2026 09:00–09:30", "UTC+1"),
    ],
)
def test_a_mail_before_a_clock_change_tells_the_clock_of_the_meetings_day(
    start: datetime, day: str, offset: str
) -> None:
    with time_machine.travel(datetime(2026, 10, 1, tzinfo=UTC)):
        text = text_of(written(booking_row(starts_at=start)))
    assert day in text
    assert offset in text


def test_a_zone_with_half_an_hour_is_named_so() -> None:
    assert "UTC+5:30" in text_of(written(booking_row(client_timezone="Asia/Kolkata")))
    assert "UTC−3:30" in text_of(written(booking_row(client_timezone="America/St_Johns")))


def test_each_reads_their_own_language_whatever_the_other_reads() -> None:
    booking = booking_row(client_locale="ja", host={"locale": "en"})
    client, host = written(booking, "client"), written(booking, "host")
    assert "2026年12月1日(火) 01:30–02:00" in text_of(client)
    assert "2026年12月1日(火)" in str(client["Subject"])
    assert 'lang="ja"' in text_of(client, "html")
    assert "Tuesday 1 December 2026 09:30–10:00" in text_of(host)
    assert 'lang="en"' in text_of(host, "html")


def test_a_japanese_name_and_title_reach_an_english_reader_whole() -> None:
    booking = booking_row(client_name="山田 健", page={"title": "初回面談"})
    mail = written(booking, "host")
    assert "山田 健" in text_of(mail)
    assert "初回面談" in text_of(mail, "html")
    assert parseaddr(str(mail["Reply-To"]))[1] == "ken@example.com"


def test_the_text_is_complete_without_the_html() -> None:
    booking = booking_row(
        join_url="https://zoom.example/j/1?pwd=x", passcode="123456", meeting_state="ready",
        note="My question\nin two lines",
    )  # fmt: skip
    text = text_of(written(booking))
    for piece in (
        "Consultation", "Aya Sato", "aya@example.jp", "https://zoom.example/j/1?pwd=x", "123456",
        "> My question\n> in two lines", "abcdefghjk",
        "http://127.0.0.1/booking/the-clients-token",
    ):  # fmt: skip
        assert piece in text


def test_the_clients_key_is_in_the_clients_mail_only() -> None:
    booking = booking_row()
    for occasion in OCCASIONS:
        assert "the-clients-token" in text_of(written(booking, "client", occasion))
        host = written(booking, "host", occasion)
        assert "the-clients-token" not in host.as_string()
        assert "the-clients-token" not in text_of(host) + text_of(host, "html")
        assert "/dashboard/bookings/abcdefghjk" in text_of(host)


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "<b>Aya & Ken</b>"])
def test_the_html_shows_what_people_typed_and_never_obeys_it(text: str) -> None:
    booking = booking_row(client_name=text, note=text, page={"title": text, "location": text})
    for occasion in OCCASIONS:
        soup = BeautifulSoup(text_of(written(booking, "host", occasion), "html"), "html.parser")
        assert not soup.select("img, b")
        assert soup.get_text().count(text) >= 3


def test_a_mail_loads_nothing_from_anywhere() -> None:
    html = text_of(
        written(booking_row(meeting_state="ready", join_url="https://z.example/")), "html"
    )
    assert "src=" not in html
    assert "url(" not in html


def test_a_cancellation_carries_no_link_to_join() -> None:
    booking = booking_row(
        status="cancelled", cancelled_by="client", join_url="https://zoom.example/j/1",
        meeting_state="ready", ical_sequence=1,
    )  # fmt: skip
    text = text_of(written(booking, "client", "cancelled"))
    assert "https://zoom.example/j/1" not in text
    assert event_in(calendars(written(booking, "client", "cancelled"))[0])["STATUS"] == "CANCELLED"
