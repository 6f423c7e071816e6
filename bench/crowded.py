"""Hosts with many bookings, written by the database's own bulk writing: through the services it would
take an hour instead of a minute.

A tenth of each host's bookings are ahead, one every half hour; one in thirty is cancelled, half have a
meeting at Zoom, each has three tasks, and a few of those have failed.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert, text

from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.bookings.search_words import search_words
from app.core.clock import utcnow
from app.core.crypto import encrypt
from app.db import db
from tests.support.cast import make_host, make_page

HALF_HOUR = timedelta(minutes=30)
AT_ONCE = 5_000  # rows
CANCELLED_EACH, FAILED_EACH = 30, 400
Row = tuple[Any, ...]
FAMILIES = ("田中", "佐藤", "鈴木", "高橋", "Fischer", "Yamada", "伊藤", "Nguyen", "渡辺", "O'Brien",
            "小林", "García", "加藤", "Kowalska", "吉田", "Smith", "山本", "Rossi", "中村", "Khan")  # fmt: skip
GIVEN = ("美咲", "健", "Lena", "翔太", "さくら", "Ken", "陽菜", "José", "大輔", "Zoë", "由美", "Anna", "誠")  # fmt: skip
TITLES = ("個別相談", "Consultation", "初回面談", "Follow-up", "オンライン説明会")
KINDS = ("meeting.create", "mail.attendee.confirmed", "mail.host.confirmed")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "bookings": (
        "id", "public_id", "page_id", "host_id", "title", "location", "timezone", "duration",
        "page_version", "organizer_email", "starts_at", "ends_at", "status", "version", "note",
        "search_words", "join_hash", "join_token", "ical_uid", "ical_sequence", "idempotency_key",
        "created_at", "cancelled_at", "cancelled_by",
    ),
    "attendees": (
        "id", "booking_id", "role", "name", "email", "locale", "timezone", "token_hash", "token",
    ),
    "events": (
        "at", "actor_kind", "action", "subject_kind", "subject_id", "details", "host_id",
    ),
    "holds": ("id", "booking_id", "host_id", "blocked_from", "blocked_until"),
    "meetings": (
        "id", "booking_id", "provider", "external_id", "zoom_host_id", "join_url", "passcode", "state",
    ),
    "tasks": (
        "id", "kind", "booking_id", "attendee_id", "dedupe_key", "state", "attempts", "due_at",
        "last_error", "created_at", "finished_at",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sealed:
    """Secrets under the app's key: one of each serves all rows, and is opened as often."""

    token: str
    link: str
    passcode: str


@dataclass(frozen=True)
class Owner:
    """A host by id, with the host's pages by id and title."""

    id: int
    pages: Sequence[tuple[int, str]]


def one_host(pages: int) -> Owner:
    """A host who can sign in, with so many pages. Commits."""
    host = make_host("Crowded", email="crowded@example.jp")
    made = [make_page(host, title=TITLES[number], auto_zoom=True) for number in range(pages)]
    return Owner(host.id, [(page.id, page.title) for page in made])


def many_hosts(count: int) -> list[Owner]:
    """Hosts with a page each, in two statements. Commits."""
    now = utcnow()
    users = [
        {"email": f"host{n}@example.jp", "name": f"Host {n}", "locale": "ja",
         "timezone": "Asia/Tokyo", "created_at": now}
        for n in range(count)
    ]  # fmt: skip
    ids = db.session.scalars(insert(User).returning(User.id, sort_by_parameter_order=True), users)
    pages = [
        {"user_id": id_, "slug": f"host-{n}", "title": TITLES[0], "timezone": "Asia/Tokyo",
         "created_at": now, "auto_zoom": True}
        for n, id_ in enumerate(ids)
    ]  # fmt: skip
    made = db.session.execute(
        insert(BookingPage).returning(BookingPage.user_id, BookingPage.id), pages
    ).all()
    db.session.commit()
    return [Owner(user_id, [(page_id, TITLES[0])]) for user_id, page_id in made]


def fill(owners: Iterable[Owner], count: int, first_id: int) -> None:
    """Give each host `count` bookings; their ids begin at `first_id`. Commits."""
    sealed = Sealed(
        encrypt("t" * 43),
        encrypt("https://us02web.zoom.us/j/85012345678?pwd=abcdefghijklmnopqrstuv"),
        encrypt("482913"),
    )
    ids = itertools.count(first_id)
    each = ((owner, number) for owner in owners for number in range(count))
    while some := list(islice(each, AT_ONCE)):
        rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
        for owner, number in some:
            for table, row in rows_of(owner, number, count, next(ids), sealed):
                rows[table].append(row)
        write(rows)


def rows_of(
    owner: Owner, number: int, count: int, id_: int, sealed: Sealed
) -> Iterator[tuple[str, Row]]:
    """The rows of the host's booking of this number, the farthest in the past first."""
    today = utcnow().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = today + HALF_HOUR * (number - count * 9 // 10)
    end, made_at = start + HALF_HOUR, start - timedelta(days=20)
    page_id, title = owner.pages[number % len(owner.pages)]
    name = name_of(number)
    email = f"client{id_}@mail{number % 90}.example"
    is_cancelled = number % CANCELLED_EACH == 7
    reference = f"c{id_:09d}"
    yield "bookings", (
        id_, reference, page_id, owner.id, title, "", "Asia/Tokyo", 30, 1,
        "no-reply@calsync.example", start, end, "cancelled" if is_cancelled else "confirmed", 1,
        "よろしくお願いいたします。", search_words(name, email, title), f"j{id_:063d}",
        sealed.token, f"{reference}@calsync.example", 0, f"k{id_}", made_at,
        made_at if is_cancelled else None, "client" if is_cancelled else None,
    )  # fmt: skip
    yield "attendees", (
        id_, id_, "client", name, email, "ja", "Asia/Tokyo", f"t{id_:063d}", sealed.token
    )  # fmt: skip
    yield "events", (
        made_at, "client", "booking.made", "booking", id_, "{}", owner.id
    )  # fmt: skip
    if not is_cancelled and end > utcnow() - timedelta(days=7):
        yield "holds", (id_, id_, owner.id, start, end)
    if number % 2:
        yield "meetings", (
            id_, id_, "zoom", 85_000_000_000 + id_, "zoom-user", sealed.link, sealed.passcode, "ready"
        )  # fmt: skip
    for nth, kind in enumerate(KINDS):
        has_failed = nth == 1 and number % FAILED_EACH == 3
        yield "tasks", (
            id_ * 3 + nth, kind, id_, id_ if nth == 1 else None, f"{reference}:{kind}:0",
            "failed" if has_failed else "done", 1, made_at, "smtp_refused" if has_failed else None,
            made_at, made_at,
        )  # fmt: skip


def name_of(number: int) -> str:
    """One in twenty is a 田中; one alone, far back, is a 佐々木."""
    family = "佐々木" if number == 11 else FAMILIES[number * 7 % len(FAMILIES)]
    return f"{family} {GIVEN[number * 11 % len(GIVEN)]}"


def write(rows: Mapping[str, Sequence[Row]]) -> None:
    """Write the rows of each table by the driver itself, and commit."""
    connection: Any = db.session.connection().connection.driver_connection
    is_sqlite = db.engine.dialect.name == "sqlite"
    if is_sqlite:
        connection.execute("BEGIN IMMEDIATE")
    for table, columns in COLUMNS.items():
        if is_sqlite:
            holes = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes})",  # noqa: S608
                [[_stored(value) for value in row] for row in rows[table]],
            )
        else:
            with connection.cursor().copy(
                f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            ) as copy:
                for row in rows[table]:
                    copy.write_row(row)
    connection.commit()
    db.session.rollback()


def settle() -> None:
    """Let PostgreSQL go on counting behind the ids that were given, and look at the tables as it
    does by itself after a while. SQLite needs neither."""
    if db.engine.dialect.name == "sqlite":
        return
    for table in COLUMNS:
        db.session.execute(
            text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")  # noqa: S608
        )
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _stored(value: Any) -> Any:
    """SQLite's form of an instant, as `UtcDateTime` keeps it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value
