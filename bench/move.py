"""Moves a second over HTTP, beside bookings a second in the same run: each booking that was made goes to a
time that nobody has, by its client's form, with its host's lock, the check, the mails and Zoom's task."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.bookings.models import Booking
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from bench.book import APART, FORMS, HOSTS, ROUNDS, add_page, forms_for, run
from bench.measure import tell
from bench.rush import Rush
from bench.serve import HOST, web_processes
from bench.stage import Stage, stages

CONNECTIONS = 16


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage, forms: int = FORMS, rounds: int = ROUNDS) -> None:
    """The middle one of some rounds of each, in turns."""
    with stage.app.app_context():
        pages = [add_page(number) for number in range(HOSTS)]
    ahead = APART * (rounds * forms // HOSTS + 1)
    booked, moved = [], []
    with web_processes(stage) as port:
        for number in range(rounds):
            with stage.app.app_context():
                sent = list(forms_for(pages, range(number * forms, (number + 1) * forms)))
            booked.append(run(Rush(HOST, port, sent, CONNECTIONS))["bookings_a_second"])
            with stage.app.app_context():
                sent = list(moves_of(pages, ahead))
            moved.append(run(Rush(HOST, port, sent, CONNECTIONS))["bookings_a_second"])
    bookings, moves = (sorted(figures)[rounds // 2] for figures in (booked, moved))
    tell(
        bench="move",
        database=stage.database,
        connections=CONNECTIONS,
        bookings_a_second=bookings,
        moves_a_second=moves,
        moves_to_bookings=round(moves / bookings, 2),
    )


def moves_of(pages: list[int], ahead: timedelta) -> Iterator[tuple[str, str]]:
    """What the clients send who have not moved yet; the hosts take turns as they were booked."""
    bookings = db.session.scalars(
        select(Booking)
        .where(Booking.page_id.in_(pages), Booking.version == 1)
        .options(joinedload(Booking.client))
        .order_by(Booking.id)
    )
    for booking in bookings:
        start = booking.starts_at + ahead
        address = f"/booking/{booking.client.token}/reschedule/{start:{SLOT_FORM}}"
        yield address, urlencode({"reason": "My train is late", "version": 1})


if __name__ == "__main__":
    main()
