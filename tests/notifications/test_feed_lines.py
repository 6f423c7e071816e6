"""Events of a feed are written as icalendar writes them, to the byte."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from app.ical import Entry, Person, event, feed, written
from tests.support.examples import tried

AT = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
# What people type, as `text.lines` and `text.line` leave it; marks of the format often.
CHARACTERS = st.one_of(
    st.sampled_from("\\;,:^\"'’N さ😀é\u2028"), st.characters(exclude_categories=["Cs", "Cc"])
)
LINE = st.text(CHARACTERS, max_size=200)
LINES = st.lists(LINE, max_size=5).map("\n".join)


def entry(summary: str, description: str, place: str, name: str, link: str | None) -> Entry:
    return Entry(
        uid="abc@calsync.example",
        sequence=3,
        stamped_at=AT - timedelta(days=2),
        starts_at=AT,
        ends_at=AT + timedelta(minutes=30),
        summary=summary,
        description=description,
        location=place,
        organizer=Person(name, "no-reply@calsync.example"),
        attendees=[],
        url="https://calsync.example/dashboard/bookings/" + "x" * 40 if link else None,
        link=link,
    )


@tried(400, in_proof=20_000)
@given(LINE, LINES, LINE, LINE, st.sampled_from([None, "https://zoom.example/j/1?pwd=a,b;c"]))
def test_an_event_is_what_icalendar_writes(
    summary: str, description: str, place: str, name: str, link: str | None
) -> None:
    one = entry(summary, description, place, name, link)
    whole = written(one, "PUBLISH")
    begins, ends = whole.index(b"BEGIN:VEVENT"), whole.index(b"END:VCALENDAR")
    assert event(one) == whole[begins:ends]


@tried(100, in_proof=2_000)
@given(LINE, LINES)
def test_a_feed_is_read_as_it_was_meant(name: str, description: str) -> None:
    one = entry("Talk", description, "", "Aya", None)
    text = feed(name, [event(one), event(one)], 1)
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    calendar = Calendar.from_ical(text)
    assert len(calendar.walk("VEVENT")) == 2
    assert not calendar.errors
    assert "METHOD" not in calendar
