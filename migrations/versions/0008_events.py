"""The record of who did what. No event is changed, and none deleted while its host's account exists:
when the account goes, the cascade takes them along."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# A trigger that refuses every DELETE would stop the cascade as well. By then the host's row is gone.
HOST_EXISTS = "EXISTS (SELECT 1 FROM users WHERE id = OLD.host_id)"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=8), nullable=False),
        sa.Column("actor_id", BIG, nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", BIG, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "actor_kind IN ('host', 'client', 'operator', 'system', 'zoom')",
            name=op.f("ck_events_actor_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["host_id"], ["users.id"], name=op.f("fk_events_host_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_host_id_id", "events", ["host_id", "id"])
    op.create_index("ix_events_subject", "events", ["subject_kind", "subject_id"])
    if op.get_bind().dialect.name == "postgresql":
        refuse_on_postgresql()
    else:
        refuse_on_sqlite()


def refuse_on_postgresql() -> None:
    op.execute(
        f"""
        CREATE FUNCTION refuse_to_touch_events() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' OR {HOST_EXISTS} THEN
                RAISE EXCEPTION 'events are neither changed nor deleted';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER tr_events_stay BEFORE UPDATE OR DELETE ON events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_touch_events()"
    )


def refuse_on_sqlite() -> None:
    # SQLite's INSERT OR REPLACE deletes a row without its triggers.
    is_known = "EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"
    for deed, condition in (("update", "1"), ("delete", HOST_EXISTS), ("insert", is_known)):
        op.execute(
            f"CREATE TRIGGER tr_events_no_{deed} BEFORE {deed.upper()} ON events WHEN {condition}"
            " BEGIN SELECT RAISE(ABORT, 'events are neither changed nor deleted'); END"
        )


def downgrade() -> None:
    op.drop_table("events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_touch_events()")
