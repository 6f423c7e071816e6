"""What the fence against double bookings costs where a host's history is long: 100,000 holds, inserted
with the fence and without it, in turns of a few thousand, on SQLite.

PostgreSQL's fence is an index, whose cost does not hang on the history either.
"""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, text

from app.bookings.models import Hold
from app.db import db
from bench.measure import tell
from bench.stage import Stage, stages
from tests.support.cast import make_booking, make_host, make_page

HOLDS, AT_ONCE = 100_000, 5_000
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


def main() -> None:
    with stages() as found:
        measure(next(stage for stage in found if stage.database == "sqlite"))


def measure(stage: Stage, count: int = HOLDS) -> None:
    """One line: seconds for `count` holds with the fence and without, and how many times."""
    with stage.app.app_context():
        page = make_page(make_host())
        booking_id = make_booking(page).id
        host_id = page.user_id
        db.session.remove()
        with db.engine.connect() as connection:
            fenced = fill(connection, booking_id, host_id, count)
            triggers = connection.execute(
                text(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'holds'"
                )
            ).all()
            for name, _sql in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            bare = fill(connection, booking_id, host_id, count)
            for _name, sql in triggers:
                connection.exec_driver_sql(sql)
            connection.commit()
    tell(
        bench="fence",
        database=stage.database,
        holds=count,
        fenced_s=round(fenced, 2),
        bare_s=round(bare, 2),
        to_bare=round(fenced / bare, 2),
    )


def fill(connection: Connection, booking_id: int, host_id: int, count: int) -> float:
    """Seconds for `count` holds of an hour, one after the other, in an empty table."""
    connection.execute(delete(Hold))
    connection.commit()
    rows = [
        {
            "booking_id": booking_id,
            "host_id": host_id,
            "blocked_from": BEGIN + timedelta(hours=number),
            "blocked_until": BEGIN + timedelta(hours=number + 1),
        }
        for number in range(count)
    ]
    began = time.perf_counter()
    for first in range(0, count, AT_ONCE):
        connection.execute(insert(Hold), rows[first : first + AT_ONCE])
        connection.commit()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
