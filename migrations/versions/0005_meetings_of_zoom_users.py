"""Whose meeting it is, links and passcodes sealed, and what Zoom wants deleted.

`bookings.zoom_host_id` is the Zoom user who made the meeting. It is filled in where that is
certain: the booking is younger than the connection that its host has now. `join_url` and
`passcode` become sealed like tokens; `zoom_erase_at` and `zoom_erasures` are about data that a
Zoom user who has removed CalSync did not leave to it.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import InvalidToken

from app.core.crypto import decrypt, encrypt

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BATCH = 500
BOOKINGS = sa.table(
    "bookings",
    sa.column("id", sa.Integer),
    sa.column("host_id", sa.Integer),
    sa.column("created_at", sa.DateTime),
    sa.column("zoom_meeting_id", sa.BigInteger),
    sa.column("zoom_host_id", sa.String),
    sa.column("join_url", sa.Text),
    sa.column("passcode", sa.Text),
    sa.column("new_passcode", sa.Text),
)
CONNECTIONS = sa.table(
    "zoom_connections",
    sa.column("user_id", sa.Integer),
    sa.column("zoom_user_id", sa.String),
    sa.column("authorized_at", sa.DateTime),
)


def upgrade() -> None:
    begin_on_sqlite()
    # No batch mode: on SQLite it would copy the table, and drop the triggers that refuse overlaps.
    op.add_column("bookings", sa.Column("zoom_host_id", sa.String(length=64)))
    op.add_column("bookings", sa.Column("zoom_erase_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_bookings_zoom_erase_at",
        "bookings",
        ["zoom_erase_at"],
        sqlite_where=sa.text("zoom_erase_at IS NOT NULL"),
        postgresql_where=sa.text("zoom_erase_at IS NOT NULL"),
    )
    name_hosts()
    replace_passcode(sa.Text(), encrypt)
    op.create_table(
        "zoom_erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zoom_user_id", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zoom_erasures")),
        sa.UniqueConstraint("zoom_user_id", name=op.f("uq_zoom_erasures_zoom_user_id")),
    )


def downgrade() -> None:
    begin_on_sqlite()
    op.drop_table("zoom_erasures")
    replace_passcode(sa.String(length=64), open_or_drop)
    op.drop_index("ix_bookings_zoom_erase_at", table_name="bookings")
    op.drop_column("bookings", "zoom_erase_at")
    op.drop_column("bookings", "zoom_host_id")


def begin_on_sqlite() -> None:
    """All or nothing there too: a half-sealed table could be neither gone on with nor gone back on."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("BEGIN IMMEDIATE")


def name_hosts() -> None:
    maker = (
        sa.select(CONNECTIONS.c.zoom_user_id)
        .where(
            CONNECTIONS.c.user_id == BOOKINGS.c.host_id,
            CONNECTIONS.c.authorized_at <= BOOKINGS.c.created_at,
        )
        .scalar_subquery()
    )
    op.execute(
        BOOKINGS.update().where(BOOKINGS.c.zoom_meeting_id.is_not(None)).values(zoom_host_id=maker)
    )


def replace_passcode(kind: sa.types.TypeEngine, change: Callable[[str], str | None]) -> None:
    """Put `passcode` into a column of another type, and change what it and `join_url` hold."""
    op.add_column("bookings", sa.Column("new_passcode", kind))
    change_all(change)
    op.drop_column("bookings", "passcode")
    op.alter_column("bookings", "new_passcode", new_column_name="passcode")


def change_all(change: Callable[[str], str | None]) -> None:
    connection, last_id = op.get_bind(), 0
    batch = (
        sa.select(BOOKINGS.c.id, BOOKINGS.c.join_url, BOOKINGS.c.passcode)
        .where(sa.or_(BOOKINGS.c.join_url.is_not(None), BOOKINGS.c.passcode.is_not(None)))
        .order_by(BOOKINGS.c.id)
        .limit(BATCH)
    )
    while rows := connection.execute(batch.where(BOOKINGS.c.id > last_id)).all():
        for row_id, join_url, passcode in rows:
            last_id = row_id
            connection.execute(
                BOOKINGS.update()
                .where(BOOKINGS.c.id == row_id)
                .values(
                    join_url=None if join_url is None else change(join_url),
                    new_passcode=None if passcode is None else change(passcode),
                )
            )


def open_or_drop(sealed: str) -> str | None:
    """What no key opens is of no use to anybody."""
    try:
        return decrypt(sealed)
    except InvalidToken:
        return None
