"""The invitation as npm's ical.js reads it, which Thunderbird and Nextcloud use."""

from app.notifications.invitations import NO_MARKUP, invitation, summary
from tests.notifications.rows import booking_row
from tests.support import ical_js

TEXTS = [
    "Consultation", "相談：一、二；三", "C:\\New plan", "a, b; c: d", 'say "yes"', "back\\slash \\n \\N \\, \\;",
    "👩‍💻 と 絵文字", "x" * 120, "^n ^^ ^'", "<b>bold</b>",
]  # fmt: skip


def test_what_was_written_is_what_ical_js_reads() -> None:
    bookings = [
        booking_row(
            client_name=text, page={"title": text, "location": text}, note=f"{text}\nline two",
            ical_sequence=number,
        )
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    texts = [invitation(booking, "host", "REQUEST").decode() for booking in bookings]
    for number, (booking, text, read) in enumerate(
        zip(bookings, TEXTS, ical_js.read(texts), strict=True)
    ):
        assert read["method"] == "REQUEST"
        assert (read["uid"], read["sequence"]) == ("abcdefghjk@calsync", number)
        assert read["summary"] == summary(booking, "host")
        assert read["location"] == text
        typed = text.translate(NO_MARKUP)
        assert f"> {typed}\n> line two" in read["description"]
        assert (read["starts"], read["ends"]) == (
            "2026-12-01T00:30:00.000Z",
            "2026-12-01T01:00:00.000Z",
        )
        assert read["organizer"] == "mailto:no-reply@calsync.example"
        assert [address for address, _name in read["attendees"]] == [
            "mailto:aya@example.jp",
            "mailto:ken@example.com",
        ]
