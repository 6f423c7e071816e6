"""What a host's list of bookings is read by: folded words to search in, in an index of the host's bookings
that holds all that a list chooses by and a feed is known by; and the few failed tasks in an index of their
own.

The first takes the place of the index that began with the same columns. Columns are added without batch
mode, which would drop SQLite's triggers.
"""

import sqlalchemy as sa
from alembic import op

from app.bookings.search_words import search_words

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
LISTED = [
    "host_id", "starts_at", "id", "status", "ends_at", "page_id", "version", "ical_sequence",
    "search_words",
]  # fmt: skip
BOOKINGS = sa.table("bookings", sa.column("id"), sa.column("title"), sa.column("search_words"))
CLIENTS = sa.table(
    "attendees", sa.column("booking_id"), sa.column("role"), sa.column("name"), sa.column("email")
)


def upgrade() -> None:
    op.add_column(
        "bookings", sa.Column("search_words", sa.Text(), nullable=False, server_default="")
    )
    fill_in()
    op.create_index(
        "ix_bookings_host_id_listed",
        "bookings",
        LISTED,
    )
    op.drop_index("ix_bookings_host_id_starts_at", table_name="bookings")
    op.drop_index("ix_meetings_booking_id", table_name="meetings")
    op.create_index("ix_meetings_booking_id", "meetings", ["booking_id", "id", "state"])
    op.create_index(
        "ix_tasks_booking_id_failed",
        "tasks",
        ["booking_id"],
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )


def fill_in() -> None:
    bind = op.get_bind()
    give = (
        sa.update(BOOKINGS)
        .where(BOOKINGS.c.id == sa.bindparam("number"))
        .values(search_words=sa.bindparam("words"))
    )
    last = 0
    while rows := bind.execute(
        sa.select(BOOKINGS.c.id, CLIENTS.c.name, CLIENTS.c.email, BOOKINGS.c.title)
        .join(CLIENTS, CLIENTS.c.booking_id == BOOKINGS.c.id)
        .where(CLIENTS.c.role == "client", BOOKINGS.c.id > last)
        .order_by(BOOKINGS.c.id)
        .limit(AT_ONCE)
    ).all():
        bind.execute(
            give, [{"number": number, "words": search_words(*rest)} for number, *rest in rows]
        )
        last = rows[-1][0]


def downgrade() -> None:
    op.drop_index("ix_tasks_booking_id_failed", table_name="tasks")
    op.drop_index("ix_meetings_booking_id", table_name="meetings")
    op.create_index("ix_meetings_booking_id", "meetings", ["booking_id"])
    op.create_index("ix_bookings_host_id_starts_at", "bookings", ["host_id", "starts_at"])
    op.drop_index("ix_bookings_host_id_listed", table_name="bookings")
    op.drop_column("bookings", "search_words")
