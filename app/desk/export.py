"""A host's bookings as CSV, in batches: neither a connection nor all rows are held while it is read."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import Row, select

from ..bookings.attendees import Attendee, Role
from ..bookings.models import Status
from ..db import db
from ..i18n import gettext as _
from .filters import Filters, Place
from .finding import IN_ORDER, LISTED, chosen, goes_up

AT_ONCE = 1_000  # bookings
BYTE_ORDER_MARK = "\ufeff"  # Excel reads UTF-8 by it
# What a spreadsheet takes for a formula, full-width in Japanese ones as well (OWASP, CSV injection).
FORMULA = re.compile(r"[=+\-@＝＋－＠\t\r\n]")
CLIENTS = Attendee.__table__.c
READ = select(
    LISTED.id, LISTED.public_id, LISTED.status, LISTED.cancelled_by, LISTED.starts_at, LISTED.ends_at,
    LISTED.title, LISTED.location, CLIENTS.name, CLIENTS.email, LISTED.note, LISTED.created_at,
    LISTED.cancelled_at,
).join(
    Attendee.__table__, (CLIENTS.booking_id == LISTED.id) & (CLIENTS.role == Role.CLIENT)
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """All words of a table in one language: what is streamed asks for none any more."""

    header: Sequence[str]
    cancelled: Mapping[str | None, str]
    states: Mapping[str, str]


def words() -> Words:
    """The words in the language in force."""
    return Words(
        header=(
            _("Reference"), _("Status"), _("Start"), _("End"), _("Time zone"),
            _("Start (UTC)"), _("End (UTC)"), _("Booking page"), _("Location"), _("Name"),
            _("Email address"), _("Note"), _("Booked at"), _("Cancelled at"),
        ),
        cancelled={
            "host": _("Cancelled by you"),
            "client": _("Cancelled by the client"),
        },
        states={
            Status.CONFIRMED: _("Confirmed"),
            Status.PENDING: _("Waiting for confirmation"),
            Status.OFFERED: _("Offered"),
        },
    )  # fmt: skip


def table(app: Flask, host_id: int, filters: Filters, told: Words) -> Iterator[bytes]:
    """The table in pieces: UTF-8 with a byte order mark, CRLF, a row a booking in the list's order.

    Between two pieces nothing is held of the database, nor is there a context of `app`. A booking that is made meanwhile behind the
    place that is reached comes along, one that is moved back may come twice.
    """
    yield _written([told.header], BYTE_ORDER_MARK)
    place = None
    while rows := _read(app, host_id, filters, place):
        yield _written([_cells(row, filters, told) for row in rows])
        if len(rows) < AT_ONCE:
            return
        place = Place(rows[-1].starts_at, rows[-1].id)


def _read(app: Flask, host_id: int, filters: Filters, place: Place | None) -> Sequence[Any]:
    ids = chosen(host_id, filters, place, most=AT_ONCE)
    order = [one.asc() if goes_up(filters) else one.desc() for one in IN_ORDER]
    with app.app_context():
        return db.session.execute(READ.where(LISTED.id.in_(ids)).order_by(*order)).all()


def _cells(row: Row[Any], filters: Filters, told: Words) -> list[str]:
    is_cancelled = row.status == Status.CANCELLED
    state = told.cancelled.get(row.cancelled_by) if is_cancelled else told.states.get(row.status)
    start, end, made, gone = (
        at.astimezone(filters.zone).strftime("%Y-%m-%d %H:%M") if at else ""
        for at in (row.starts_at, row.ends_at, row.created_at, row.cancelled_at)
    )
    cells = [
        row.public_id, state or row.status, start, end, filters.zone.key, _utc(row.starts_at),
        _utc(row.ends_at), row.title, row.location, row.name, row.email, row.note, made, gone,
    ]  # fmt: skip
    return [safe(cell) for cell in cells]


def safe(cell: str) -> str:
    """The cell as no spreadsheet takes it for a formula."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _written(rows: Sequence[Sequence[str]], before: str = "") -> bytes:
    text = io.StringIO(newline="")
    text.write(before)
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
