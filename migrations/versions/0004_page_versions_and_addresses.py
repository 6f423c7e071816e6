"""Versions of booking pages, the addresses that stay theirs, and keys of forms that make something.

`page_addresses` holds every address that a page has or had: one unique constraint over all of
them decides whose an address is, whoever asks at the same moment. `form_key` is the once-only
key of the form that made the row. Time off that was doubled by a second press is one again, under
its label.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SAME_SPAN = "host_id, starts_at, ends_at"


def upgrade() -> None:
    # No batch mode: on SQLite it would copy the tables and drop triggers, and this need not.
    op.add_column(
        "booking_pages",
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    for table in ("booking_pages", "users"):
        op.add_column(table, sa.Column("form_key", sa.String(length=24)))
        op.create_index(f"ix_{table}_form_key", table, ["form_key"], unique=True)

    op.create_table(
        "page_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.CheckConstraint("slug = lower(slug)", name=op.f("ck_page_addresses_slug_is_lower_case")),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["booking_pages.id"],
            name=op.f("fk_page_addresses_page_id_booking_pages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_addresses")),
        sa.UniqueConstraint("slug", name=op.f("uq_page_addresses_slug")),
    )
    op.create_index("ix_page_addresses_page_id", "page_addresses", ["page_id"])
    op.execute("INSERT INTO page_addresses (page_id, slug) SELECT id, slug FROM booking_pages")

    op.execute(
        "UPDATE time_off SET label = (SELECT max(same.label) FROM time_off AS same"
        " WHERE same.host_id = time_off.host_id AND same.starts_at = time_off.starts_at"
        " AND same.ends_at = time_off.ends_at) WHERE label = ''"
    )
    op.execute(
        f"DELETE FROM time_off WHERE id NOT IN (SELECT min(id) FROM time_off GROUP BY {SAME_SPAN})"
    )
    op.drop_index("ix_time_off_host_id_starts_at", "time_off")
    op.create_index(
        "ix_time_off_host_id_starts_at",
        "time_off",
        ["host_id", "starts_at", "ends_at"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_index("ix_time_off_host_id_starts_at", "time_off")
    op.create_index(
        "ix_time_off_host_id_starts_at", "time_off", ["host_id", "starts_at", "ends_at"]
    )
    op.drop_table("page_addresses")
    for table in ("users", "booking_pages"):
        op.drop_index(f"ix_{table}_form_key", table)
        op.drop_column(table, "form_key")
    op.drop_column("booking_pages", "version")
