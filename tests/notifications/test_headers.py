"""Who a mail is from, what it answers to, and addresses that Python's own check refuses."""

import pytest

from app.notifications.headers import on_wire
from app.notifications.messages import compose, message_id
from tests.notifications.rows import booking_row, written

CARRIER = "taro..yamada.@docomo.example"


def test_a_client_reads_the_hosts_name_and_a_host_the_products() -> None:
    booking = booking_row()
    assert (
        str(written(booking, "client")["From"]) == '"Aya Sato (CalSync)" <no-reply@calsync.example>'
    )
    assert str(written(booking, "host")["From"]) == "CalSync <no-reply@calsync.example>"


@pytest.mark.parametrize("party", ["client", "host"])
def test_later_mails_refer_to_the_first_confirmation_whatever_changed_since(party: str) -> None:
    first = str(written(booking_row(), party, "confirmed")["Message-ID"])
    for occasion in ("link", "cancelled"):
        later = written(booking_row(ical_sequence=2), party, occasion)
        assert str(later["References"]) == first
        assert str(later["Message-ID"]) == f"<abcdefghjk.{occasion}.2.{party}@calsync.example>"
    assert written(booking_row(), party, "confirmed")["References"] is None
    assert message_id(booking_row(ical_sequence=2), party, "confirmed") == first


def test_absences_are_not_told_to_a_machine() -> None:
    assert str(written(booking_row())["X-Auto-Response-Suppress"]) == "OOF, AutoReply"


@pytest.mark.parametrize("name", ["Ken Yamada", "山田 健", "Ken " * 25])
def test_an_old_carriers_address_is_written_with_its_local_part_in_quotes(name: str) -> None:
    booking = booking_row(client_email=CARRIER, client_name=name.strip())
    assert b'"taro..yamada."@docomo.example' in compose(booking, "client", "confirmed").as_bytes()
    host = compose(booking, "host", "confirmed").as_bytes()
    assert b'"taro..yamada."@docomo.example' in host.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "address", ["ken@example.com", "ken+work@example.com", "o'neil@example.com"]
)
def test_an_ordinary_address_needs_no_quotes(address: str) -> None:
    assert on_wire(address) == address


@pytest.mark.parametrize(
    "title", ["x" * 120, "Long words " * 10, "予約" * 50, "x" * 60 + " " + "y" * 59]
)
def test_no_header_begins_with_an_empty_line(title: str) -> None:
    booking = booking_row(
        page={"title": title.strip()}, client_name=title.strip(), host={"name": title.strip()}
    )
    for party in ("client", "host"):
        head = compose(booking, party, "confirmed").as_bytes().split(b"\r\n\r\n")[0]
        for line in head.split(b"\r\n"):
            _name, _colon, value = line.partition(b":")
            assert line.startswith(b" ") or value.strip(), line


def test_a_note_cannot_imitate_the_end_of_our_mail() -> None:
    booking = booking_row(note="-- \nCalSync\nSee or cancel the booking:\nhttps://evil.example/")
    text = str(written(booking, "host").get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert "> https://evil.example/" in text
    assert "\nhttps://evil.example/" not in text
