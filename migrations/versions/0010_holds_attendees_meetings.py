"""A booking in parts: what was agreed, the span it holds, who comes, its meeting, its changes.

The fence against double bookings stands on `holds` from here on. Ids of what grows become BIGINT
(on SQLite AUTOINCREMENT, so that no number is given twice). Tables that others point at are built
anew on SQLite, without batch mode, which would drop triggers.

One way for data: the present release's rows cannot all be said in the columns of before, so going
back down is for empty tables; with bookings there, restore a backup instead.
"""

from email.utils import parseaddr

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
# SQLite compares instants as text, so all must have the one form that SQLAlchemy stores.
STORED_FORM = "????-??-?? ??:??:??.??????"
KEPT = "public_id, page_id, host_id, starts_at, ends_at, status, note, ical_uid, ical_sequence, idempotency_key, created_at, cancelled_at, cancelled_by"
TASK_COLUMNS = "id, booking_id, user_id, state, attempts, due_at, first_tried_at, enqueued_at, lease_until, lease_token, last_error, created_at, finished_at"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute("BEGIN IMMEDIATE")
    op.rename_table("bookings", "bookings_before")
    op.rename_table("tasks", "tasks_before")
    make_way_for_names(is_sqlite)
    make_bookings()
    make_holds(is_sqlite)
    make_attendees()
    make_meetings()
    make_changes()
    make_tasks()
    carry_over(is_sqlite)
    op.drop_table("tasks_before")
    op.drop_table("bookings_before")
    index_tables()


def make_way_for_names(is_sqlite: bool) -> None:
    """Indexes, and on PostgreSQL constraints that are indexes, have names of the whole schema."""
    bind = op.get_bind()
    if is_sqlite:
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER tr_bookings_no_overlap_{event}")
    else:
        op.execute("ALTER TABLE tasks_before DROP CONSTRAINT fk_tasks_booking_id_bookings")
        for table in ("bookings", "tasks"):
            named = sa.text(
                "SELECT conname FROM pg_constraint"
                " WHERE conrelid = CAST(:name AS regclass) AND contype IN ('p', 'u', 'x')"
            )
            for name in bind.scalars(named, {"name": f"{table}_before"}).all():
                op.execute(f"ALTER TABLE {table}_before DROP CONSTRAINT {name}")
            op.execute(f"ALTER SEQUENCE {table}_id_seq RENAME TO {table}_before_id_seq")
    for table in ("bookings_before", "tasks_before"):
        for index in sa.inspect(bind).get_indexes(table):
            op.drop_index(index["name"], table_name=table)


def must(name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def may(name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, nullable=True)


def make(table: str, *columns: sa.schema.SchemaItem) -> None:
    """A table that grows: its numbers are BIGINT, and none is given twice."""
    key = sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))
    op.create_table(table, must("id", BIG), *columns, key, sqlite_autoincrement=True)


def part_of_booking(table: str, *columns: sa.schema.SchemaItem) -> None:
    owner = belongs_to(table, "booking_id", "bookings")
    make(table, must("booking_id", BIG), *columns, owner)


# fmt: off
def make_bookings() -> None:
    make(
        "bookings",
        must("public_id", sa.String(16)), must("page_id", sa.Integer()),
        must("host_id", sa.Integer()), must("title", sa.String(120)),
        must("location", sa.String(300)), must("timezone", sa.String(64)),
        must("duration", sa.Integer()), must("page_version", sa.Integer()),
        must("organizer_email", sa.String(254)), must("starts_at", AT), must("ends_at", AT),
        must("status", sa.String(12)), must("version", sa.Integer()), must("note", sa.Text()),
        must("ical_uid", sa.String(120)), must("ical_sequence", sa.Integer()),
        must("idempotency_key", sa.String(64)), must("created_at", AT), may("cancelled_at", AT),
        may("cancelled_by", sa.String(8)),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_bookings_span")),
        sa.CheckConstraint(
            "status IN ('offered', 'pending', 'confirmed', 'cancelled')",
            name=op.f("ck_bookings_status_is_known"),
        ),
        belongs_to("bookings", "page_id", "booking_pages"),
        belongs_to("bookings", "host_id", "users"),
        sa.UniqueConstraint("ical_uid", name=op.f("uq_bookings_ical_uid")),
        sa.UniqueConstraint(
            "page_id", "idempotency_key", name=op.f("uq_bookings_page_id_idempotency_key")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_bookings_public_id")),
    )


# fmt: on
def belongs_to(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    """A row that goes with its owner."""
    name = op.f(f"fk_{table}_{column}_{owner}")
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], name=name, ondelete="CASCADE")


def make_holds(is_sqlite: bool) -> None:
    part_of_booking(
        "holds",
        must("host_id", sa.Integer()),
        must("blocked_from", AT),
        must("blocked_until", AT),
        sa.CheckConstraint("blocked_from < blocked_until", name=op.f("ck_holds_span")),
        belongs_to("holds", "host_id", "users"),
    )
    op.create_index("ix_holds_host_id_busy", "holds", ["host_id", "blocked_from", "blocked_until"])
    op.create_index("ix_holds_booking_id", "holds", ["booking_id"])
    op.create_index("ix_holds_blocked_until", "holds", ["blocked_until"])
    if not is_sqlite:
        op.execute(
            "ALTER TABLE holds ADD CONSTRAINT ex_holds_no_overlap EXCLUDE USING gist"
            " (host_id WITH =, tstzrange(blocked_from, blocked_until, '[)') WITH &&)"
        )
        return
    for name, event in (
        ("insert", "INSERT ON holds"),
        ("update", "UPDATE OF id, host_id, blocked_from, blocked_until ON holds"),
    ):
        # Since no two of them overlap, only the one that begins last before the new one's end can
        # reach into it: one step in the index, whatever the host's history.
        op.execute(
            f"""
            CREATE TRIGGER tr_holds_no_overlap_{name} BEFORE {event}
            BEGIN
                SELECT RAISE(ABORT, 'holds: instants are kept as YYYY-MM-DD HH:MM:SS.ffffff')
                WHERE NEW.blocked_from NOT GLOB '{STORED_FORM}'
                   OR NEW.blocked_until NOT GLOB '{STORED_FORM}';
                SELECT RAISE(ABORT, 'holds: overlaps another hold of this host')
                WHERE NEW.blocked_from < (
                    SELECT blocked_until FROM holds
                    WHERE host_id = NEW.host_id
                      AND blocked_from < NEW.blocked_until
                      AND id IS NOT {"OLD.id" if name == "update" else "NEW.id"}
                    ORDER BY blocked_from DESC LIMIT 1
                );
            END
            """
        )


# fmt: off
def make_attendees() -> None:
    part_of_booking(
        "attendees",
        must("role", sa.String(8)), must("name", sa.String(120)), must("email", sa.String(254)),
        must("locale", sa.String(8)), must("timezone", sa.String(64)),
        must("token_hash", sa.String(64)), must("token", sa.Text()),
        sa.CheckConstraint("role IN ('client', 'guest')", name=op.f("ck_attendees_role_is_known")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_attendees_token_hash")),
    )
    op.create_index("ix_attendees_booking_id", "attendees", ["booking_id"])
    unique_where("ix_attendees_booking_id_client", "attendees", "role = 'client'")


# fmt: on
def unique_where(name: str, table: str, condition: str) -> None:
    """At most one such row a booking."""
    op.create_index(
        name,
        table,
        ["booking_id"],
        unique=True,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


# fmt: off
def make_meetings() -> None:
    part_of_booking(
        "meetings",
        must("provider", sa.String(8)), may("external_id", sa.BigInteger()),
        may("zoom_host_id", sa.String(64)), may("join_url", sa.Text()),
        may("passcode", sa.Text()), must("state", sa.String(12)), may("error", sa.Text()),
        may("erase_at", AT),
        sa.CheckConstraint(
            "state IN ('wanted', 'ready', 'failed', 'left_behind')",
            name=op.f("ck_meetings_state_is_known"),
        ),
    )
    op.create_index("ix_meetings_booking_id", "meetings", ["booking_id"])
    op.create_index("ix_meetings_zoom_host_id", "meetings", ["zoom_host_id"])
    unique_where("ix_meetings_booking_id_current", "meetings", "state <> 'left_behind'")
    is_due = sa.text("erase_at IS NOT NULL")
    op.create_index(
        "ix_meetings_erase_at", "meetings", ["erase_at"],
        sqlite_where=is_due, postgresql_where=is_due,
    )  # fmt: skip


def make_changes() -> None:
    part_of_booking(
        "changes",
        must("sequence", sa.Integer()), must("by", sa.String(8)), may("old_starts_at", AT),
        may("words", sa.Text()), must("at", AT),
        sa.CheckConstraint("by IN ('client', 'host')", name=op.f("ck_changes_by_is_known")),
        sa.UniqueConstraint("booking_id", "sequence", name=op.f("uq_changes_booking_id_sequence")),
    )


def make_tasks() -> None:
    make(
        "tasks",
        must("kind", sa.String(40)), may("booking_id", BIG), may("attendee_id", BIG),
        may("user_id", sa.Integer()), must("dedupe_key", sa.String(120)),
        must("state", sa.String(12)), must("attempts", sa.Integer()), must("due_at", AT),
        *(may(name, AT) for name in ("first_tried_at", "enqueued_at", "lease_until")),
        may("lease_token", sa.String(43)), may("last_error", sa.Text()), must("created_at", AT),
        may("finished_at", AT),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_tasks_state_is_known"),
        ),
        sa.CheckConstraint(
            "booking_id IS NOT NULL OR user_id IS NOT NULL", name=op.f("ck_tasks_has_a_subject")
        ),
        belongs_to("tasks", "booking_id", "bookings"),
        belongs_to("tasks", "attendee_id", "attendees"),
        belongs_to("tasks", "user_id", "users"),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_tasks_dedupe_key")),
    )


# fmt: on
def carry_over(is_sqlite: bool) -> None:
    length = (
        "CAST(round((julianday(old.ends_at) - julianday(old.starts_at)) * 1440) AS INTEGER)"
        if is_sqlite
        else "CAST(round(extract(epoch FROM old.ends_at - old.starts_at) / 60) AS INTEGER)"
    )
    sender = parseaddr(current_app.extensions["settings"].mail_from)[1]
    kept = ", ".join(f"old.{name.strip()}" for name in KEPT.split(","))
    for statement in (
        f"""INSERT INTO bookings (id, {KEPT}, title, location, timezone, duration, page_version,
                organizer_email, version)
            SELECT old.id, {kept}, page.title, page.location, page.timezone, {length}, page.version,
                :sender, 1
            FROM bookings_before AS old JOIN booking_pages AS page ON page.id = old.page_id
            ORDER BY old.id""",
        """INSERT INTO holds (booking_id, host_id, blocked_from, blocked_until)
            SELECT id, host_id, blocked_from, blocked_until FROM bookings_before
            WHERE status <> 'cancelled' ORDER BY blocked_from""",
        """INSERT INTO attendees (booking_id, role, name, email, locale, timezone, token_hash, token)
            SELECT id, 'client', client_name, client_email, client_locale, client_timezone,
                token_hash, token
            FROM bookings_before ORDER BY id""",
        """INSERT INTO meetings (booking_id, provider, external_id, zoom_host_id, join_url, passcode,
                state, error, erase_at)
            SELECT id, 'zoom', zoom_meeting_id, zoom_host_id, join_url, passcode,
                CASE meeting_state WHEN 'none' THEN 'failed' ELSE meeting_state END,
                meeting_error, zoom_erase_at
            FROM bookings_before
            WHERE meeting_state <> 'none' OR zoom_meeting_id IS NOT NULL ORDER BY id""",
        """INSERT INTO changes (booking_id, sequence, by, at)
            SELECT id, ical_sequence, cancelled_by, cancelled_at FROM bookings_before
            WHERE status = 'cancelled' AND cancelled_by IN ('client', 'host')
                AND cancelled_at IS NOT NULL ORDER BY id""",
        f"""INSERT INTO tasks ({TASK_COLUMNS}, kind, dedupe_key, attendee_id)
            SELECT {", ".join(f"old.{name.strip()}" for name in TASK_COLUMNS.split(","))},
                replace(old.kind, 'mail.client.', 'mail.attendee.'),
                replace(old.dedupe_key, '\\:mail.client.', '\\:mail.attendee.'),
                CASE WHEN old.kind LIKE 'mail.client.%' THEN person.id END
            FROM tasks_before AS old LEFT JOIN attendees AS person ON person.booking_id = old.booking_id
            ORDER BY old.id""",
    ):
        has_sender = ":sender" in statement
        bound = sa.text(statement)
        op.execute(bound.bindparams(sender=sender) if has_sender else bound)
    if not is_sqlite:
        for table in ("bookings", "tasks"):
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
            )


def index_tables() -> None:
    op.create_index("ix_bookings_page_id_starts_at", "bookings", ["page_id", "starts_at"])
    op.create_index("ix_bookings_host_id_starts_at", "bookings", ["host_id", "starts_at"])
    for column in ("booking_id", "attendee_id", "user_id"):
        op.create_index(f"ix_tasks_{column}", "tasks", [column])
    op.create_index("ix_tasks_state_due_at", "tasks", ["state", "due_at"])


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM bookings")):
        raise RuntimeError("There are bookings, which only a backup of before can bring back.")
    for table in ("tasks", "changes", "meetings", "attendees", "holds", "bookings"):
        op.drop_table(table)
    first = op.get_context().script.get_revision("0001").module
    first.make_bookings()
    first.make_tasks()
    first.refuse_overlaps()
    op.add_column("tasks", sa.Column("first_tried_at", AT))
    op.drop_column("bookings", "passcode")
    for name, kind in (
        ("passcode", sa.Text()), ("zoom_host_id", sa.String(64)), ("zoom_erase_at", AT),
    ):  # fmt: skip
        op.add_column("bookings", sa.Column(name, kind))
    is_due = sa.text("zoom_erase_at IS NOT NULL")
    op.create_index(
        "ix_bookings_zoom_erase_at", "bookings", ["zoom_erase_at"],
        sqlite_where=is_due, postgresql_where=is_due,
    )  # fmt: skip
