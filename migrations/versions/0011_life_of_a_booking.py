"""What a booking needs after it is made: a join address for life, reminders, words of its host, a series.

Columns are added without batch mode, which would drop SQLite's triggers. Bookings that exist get a
join address of their own, and pages that exist remind their clients as new ones do.
"""

import sqlalchemy as sa
from alembic import op

from app.core.crypto import encrypt, fingerprint, new_token

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ADDED = (
    ("bookings", "join_hash", sa.String(64)),
    ("bookings", "join_token", sa.Text()),
    ("bookings", "private_note", sa.Text()),
    ("bookings", "no_show_at", AT),
    ("bookings", "series_id", sa.String(16)),
    ("attendees", "reminders_off_at", AT),
    ("attendees", "declined_at", AT),
    ("meetings", "checked_at", AT),
    ("users", "feed_token_hash", sa.String(64)),
)
INDEXES = (
    ("bookings", "join_hash", True),
    ("bookings", "series_id", False),
    ("users", "feed_token_hash", True),
)


def upgrade() -> None:
    for table, name, kind in ADDED:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column(
        "booking_pages",
        sa.Column("change_notice", sa.Integer(), nullable=False, server_default="0"),
    )
    for table, name, is_unique in INDEXES:
        op.create_index(f"ix_{table}_{name}", table, [name], unique=is_unique)
    op.create_table(
        "page_reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(8), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "party IN ('client', 'host')", name=op.f("ck_page_reminders_party_is_known")
        ),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_page_reminders_minutes")),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["booking_pages.id"],
            name=op.f("fk_page_reminders_page_id_booking_pages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_reminders")),
        sa.UniqueConstraint(
            "page_id", "party", "minutes", name=op.f("uq_page_reminders_page_id_party_minutes")
        ),
    )
    for minutes in (1440, 60):
        op.execute(
            "INSERT INTO page_reminders (page_id, party, minutes)"
            f" SELECT id, 'client', {minutes} FROM booking_pages"
        )
    give_join_addresses()


def give_join_addresses() -> None:
    bind = op.get_bind()
    give = sa.text("UPDATE bookings SET join_hash = :hash, join_token = :sealed WHERE id = :id")
    for number in bind.scalars(sa.text("SELECT id FROM bookings ORDER BY id")).all():
        token = new_token()
        bind.execute(give, {"hash": fingerprint(token), "sealed": encrypt(token), "id": number})


def downgrade() -> None:
    op.drop_table("page_reminders")
    for table, name, _is_unique in INDEXES:
        op.drop_index(f"ix_{table}_{name}", table_name=table)
    op.drop_column("booking_pages", "change_notice")
    for table, name, _kind in reversed(ADDED):
        op.drop_column(table, name)
