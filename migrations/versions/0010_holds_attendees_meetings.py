"""A booking in parts: what was agreed, the span it holds, who comes, its meeting, its changes.

The fence against double bookings stands on `holds` from here on. Ids of what grows become BIGINT
(on SQLite AUTOINCREMENT, so that no number is given twice). Tables that others point at are built
anew on SQLite, without batch mode, which would drop triggers.

One way for data: going back down is for empty tables; with bookings there, restore a backup.
"""

from email.utils import parseaddr
from functools import partial

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "0010"
down_revision = "0009"
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
    index("bookings", "page_id", "starts_at")
    index("bookings", "host_id", "starts_at")
    for column in ("booking_id", "attendee_id", "user_id"):
        index("tasks", column)
    index("tasks", "state", "due_at")


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


must, may = partial(sa.Column, nullable=False), partial(sa.Column, nullable=True)


def make(table: str, *columns: sa.schema.SchemaItem) -> None:
    """A table that grows: its numbers are BIGINT, and none is given twice."""
    key = sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))
    op.create_table(table, must("id", BIG), *columns, key, sqlite_autoincrement=True)


def part_of_booking(table: str, *columns: sa.schema.SchemaItem) -> None:
    make(table, must("booking_id", BIG), *columns, belongs_to(table, "booking_id", "bookings"))


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
        check("bookings", "span", "starts_at < ends_at"),
        check("bookings", "status_is_known", one_of("status", "offered pending confirmed cancelled")),
        belongs_to("bookings", "page_id", "booking_pages"),
        belongs_to("bookings", "host_id", "users"),
        unique("bookings", "ical_uid"),
        unique("bookings", "page_id", "idempotency_key"),
        unique("bookings", "public_id"),
    )


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def one_of(column: str, words: str) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words.split())})"


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def index(
    table: str, *columns: str, end: str = "", where: str | None = None, is_unique: bool = False
) -> None:
    condition = None if where is None else sa.text(where)
    name = f"ix_{table}_{end or '_'.join(columns)}"
    op.create_index(
        name, table, list(columns), unique=is_unique, sqlite_where=condition, postgresql_where=condition
    )  # fmt: skip


def belongs_to(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    """A row that goes with its owner."""
    name = op.f(f"fk_{table}_{column}_{owner}")
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], name=name, ondelete="CASCADE")


def make_holds(is_sqlite: bool) -> None:
    part_of_booking(
        "holds",
        must("host_id", sa.Integer()), must("blocked_from", AT), must("blocked_until", AT),
        check("holds", "span", "blocked_from < blocked_until"),
        belongs_to("holds", "host_id", "users"),
    )
    index("holds", "host_id", "blocked_from", "blocked_until", end="host_id_busy")
    index("holds", "booking_id")
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


def make_attendees() -> None:
    part_of_booking(
        "attendees",
        must("role", sa.String(8)), must("name", sa.String(120)), must("email", sa.String(254)),
        must("locale", sa.String(8)), must("timezone", sa.String(64)),
        must("token_hash", sa.String(64)), must("token", sa.Text()),
        check("attendees", "role_is_known", one_of("role", "client guest")),
        unique("attendees", "token_hash"),
    )
    index("attendees", "booking_id")
    where = "role = 'client'"
    index("attendees", "booking_id", end="booking_id_client", where=where, is_unique=True)


def make_meetings() -> None:
    part_of_booking(
        "meetings",
        must("provider", sa.String(8)), may("external_id", sa.BigInteger()),
        may("zoom_host_id", sa.String(64)), may("join_url", sa.Text()),
        may("passcode", sa.Text()), must("state", sa.String(12)), may("error", sa.Text()),
        may("erase_at", AT),
        check("meetings", "state_is_known", one_of("state", "wanted ready failed left_behind")),
    )
    index("meetings", "booking_id")
    index("meetings", "zoom_host_id")
    where = "state <> 'left_behind'"
    index("meetings", "booking_id", end="booking_id_current", where=where, is_unique=True)
    index("meetings", "erase_at", where="erase_at IS NOT NULL")


def make_changes() -> None:
    part_of_booking(
        "changes",
        must("sequence", sa.Integer()), must("by", sa.String(8)), may("old_starts_at", AT),
        may("words", sa.Text()), must("at", AT),
        check("changes", "by_is_known", one_of("by", "client host")),
        unique("changes", "booking_id", "sequence"),
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
        check("tasks", "state_is_known", one_of("state", "waiting running done failed cancelled")),
        check("tasks", "has_a_subject", "booking_id IS NOT NULL OR user_id IS NOT NULL"),
        belongs_to("tasks", "booking_id", "bookings"),
        belongs_to("tasks", "attendee_id", "attendees"),
        belongs_to("tasks", "user_id", "users"),
        unique("tasks", "dedupe_key"),
    )


def of_old(columns: str) -> str:
    return ", ".join(f"old.{name.strip()}" for name in columns.split(","))


def carry_over(is_sqlite: bool) -> None:
    length = (
        "CAST(round((julianday(old.ends_at) - julianday(old.starts_at)) * 1440) AS INTEGER)"
        if is_sqlite
        else "CAST(round(extract(epoch FROM old.ends_at - old.starts_at) / 60) AS INTEGER)"
    )
    sender = parseaddr(current_app.extensions["settings"].mail_from)[1]
    for statement in (
        f"""INSERT INTO bookings (id, {KEPT}, title, location, timezone, duration, page_version,
                organizer_email, version)
            SELECT old.id, {of_old(KEPT)}, page.title, page.location, page.timezone, {length}, page.version,
                :sender, 1
            FROM bookings_before AS old JOIN booking_pages AS page ON page.id = old.page_id ORDER BY old.id""",
        """INSERT INTO holds (booking_id, host_id, blocked_from, blocked_until)
            SELECT id, host_id, blocked_from, blocked_until FROM bookings_before
            WHERE status <> 'cancelled' ORDER BY blocked_from""",
        """INSERT INTO attendees (booking_id, role, name, email, locale, timezone, token_hash, token)
            SELECT id, 'client', client_name, client_email, client_locale, client_timezone, token_hash,
                token FROM bookings_before ORDER BY id""",
        """INSERT INTO meetings (booking_id, provider, external_id, zoom_host_id, join_url, passcode,
                state, error, erase_at)
            SELECT id, 'zoom', zoom_meeting_id, zoom_host_id, join_url, passcode,
                CASE meeting_state WHEN 'none' THEN 'failed' ELSE meeting_state END,
                meeting_error, zoom_erase_at FROM bookings_before
            WHERE meeting_state <> 'none' OR zoom_meeting_id IS NOT NULL ORDER BY id""",
        """INSERT INTO changes (booking_id, sequence, by, at)
            SELECT id, ical_sequence, cancelled_by, cancelled_at FROM bookings_before
            WHERE status = 'cancelled' AND cancelled_by IN ('client', 'host')
                AND cancelled_at IS NOT NULL ORDER BY id""",
        f"""INSERT INTO tasks ({TASK_COLUMNS}, kind, dedupe_key, attendee_id)
            SELECT {of_old(TASK_COLUMNS)},
                replace(old.kind, 'mail.client.', 'mail.attendee.'),
                replace(old.dedupe_key, '\\:mail.client.', '\\:mail.attendee.'),
                CASE WHEN old.kind LIKE 'mail.client.%' THEN person.id END
            FROM tasks_before AS old LEFT JOIN attendees AS person ON person.booking_id = old.booking_id ORDER BY old.id""",
    ):
        op.get_bind().execute(sa.text(statement), {"sender": sender})
    if not is_sqlite:
        for table in ("bookings", "tasks"):
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
            )


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
    for name, kind in (("passcode", sa.Text()), ("zoom_host_id", sa.String(64)), ("zoom_erase_at", AT)):
        op.add_column("bookings", sa.Column(name, kind))
    index("bookings", "zoom_erase_at", where="zoom_erase_at IS NOT NULL")
