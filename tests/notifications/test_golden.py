"""Every mail as it leaves, for each occasion, party and language, beside a file that somebody has read.

After a change that is meant: `GOLDEN=write python -m pytest tests/notifications/test_golden.py`, and
read the difference before it is committed.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from app.bookings.models import Booking, Change
from app.bookings.occasions import kinds
from app.bookings.reminders import Reminder
from app.notifications import reconnect
from app.notifications.messages import compose
from tests.notifications.rows import START, booking_row, host_row

FOLDER = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
LINK = "https://zoom.example/j/85012345678?pwd=x"
BOUNDARY = re.compile(r"={15}\d+==")


def booking(occasion: str, language: str) -> Booking:
    """Ken's booking with a place, a note and, where the occasion has one, a link."""
    has_link = occasion in {"link", "repaired", "reminder", "declined"}
    state = {"confirmed": "wanted", "cancelled": None, "moved": None}.get(occasion, "ready")
    words = "熱が出ました。\n申し訳ありません <b>" if language == "ja" else "I am ill.\nSorry <b>"
    change = Change(sequence=1, by="client", words=words)
    change.old_starts_at = START + timedelta(days=1) if occasion == "moved" else None
    return booking_row(
        client_locale=language,
        client_name="山田 健" if language == "ja" else "Ken Yamada",
        host={"name": "佐藤 美咲" if language == "ja" else "Aya Sato", "locale": language},
        page={
            "title": "初回相談（無料）" if language == "ja" else "First consultation",
            "location": "Room 4",
        },
        note="一行目\n二行目 <b>" if language == "ja" else "Line one\nLine two <b>",
        ical_sequence=0 if occasion == "confirmed" else 1,
        meeting_state=state,
        join_url=LINK if has_link else None,
        passcode="123456" if has_link else None,
        status="cancelled" if occasion == "cancelled" else "confirmed",
        cancelled_by="client" if occasion == "cancelled" else None,
        changes=[change] if occasion in {"moved", "cancelled"} else [],
    )


def as_text(wire: bytes) -> str:
    """The mail with its bodies decoded, so that a person can read it, and boundaries numbered."""
    from email import message_from_bytes, policy  # noqa: PLC0415

    mail = message_from_bytes(wire, policy=policy.default)
    lines = [f"{name}: {BOUNDARY.sub('…', str(value))}" for name, value in mail.items()]
    for part in mail.walk():
        if part.is_multipart():
            lines.append(f"\n--- {part.get_content_type()}")
            continue
        kind = str(part["Content-Type"])
        way = part["Content-Transfer-Encoding"]
        content = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        lines.append(f"\n--- {kind} ({way})\n{content}")
    return "\n".join(lines).replace("\r\n", "\n").rstrip() + "\n"


def compare(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("party", ["client", "host"])
@pytest.mark.parametrize("occasion", ["confirmed", "link", "moved", "repaired", "cancelled"])
def test_a_mail_is_what_was_read(occasion: str, party: str, language: str) -> None:
    with time_machine.travel(NOW, tick=False):
        wire = compose(booking(occasion, language), party, occasion).as_bytes()
    compare(f"{occasion}.{party}.{language}", as_text(wire))


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("party", ["client", "host"])
def test_a_reminder_is_what_was_read(party: str, language: str) -> None:
    row = booking("reminder", language)
    row.page_id = 7
    reminder = Reminder(row.starts_at, 1440, 0)
    with time_machine.travel(reminder.due_at, tick=False):
        wire = compose(row, party, "reminder", reminder=reminder).as_bytes()
    assert b"calendar" not in wire
    compare(f"reminder.{party}.{language}", as_text(wire))
    wire.decode("ascii")
    # An address in a header is cut nowhere.
    lines = [line for line in wire.split(b"\r\n") if not line.startswith(b"List-Unsubscribe:")]
    assert max(map(len, lines)) <= 78


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_about_a_decline_is_what_was_read(language: str) -> None:
    with time_machine.travel(NOW, tick=False):
        wire = compose(booking("declined", language), "host", "declined").as_bytes()
    wire.decode("ascii")
    compare(f"declined.host.{language}", as_text(wire))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_that_asks_to_reconnect_is_what_was_read(language: str) -> None:
    with time_machine.travel(NOW, tick=False):
        wire = reconnect.compose(host_row(locale=language), None, "zoom:1:reconnect").as_bytes()
    compare(f"reconnect.host.{language}", as_text(wire))


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("party", ["client", "host"])
@pytest.mark.parametrize("occasion", ["confirmed", "link", "moved", "repaired", "cancelled"])
def test_a_mail_is_seven_bits_and_its_lines_end_by_the_book(
    occasion: str, party: str, language: str
) -> None:
    wire = compose(booking(occasion, language), party, occasion).as_bytes()
    wire.decode("ascii")
    assert b"8bit" not in wire
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire)
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert b'application/ics; name="invite.ics"' in wire
    assert re.search(rb"text/calendar; charset=\"UTF-8\"; method=(REQUEST|CANCEL)", wire)


def test_every_kind_of_mail_was_read() -> None:
    """A new one fails here until its name is in one of the lists above, and its files are written."""
    read = {path.name.split(".")[0] for path in FOLDER.glob("*.*.*.txt")}
    assert {kind.split(".")[2] for kind in kinds()} <= read
