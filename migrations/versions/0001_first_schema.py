"""The first schema: every table, and the fence against double bookings.

No two live bookings of a host overlap in [blocked_from, blocked_until): PostgreSQL holds it by
an exclusion constraint, SQLite by triggers on insert and update.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite compares instants as text, so all must have the one form that SQLAlchemy stores: an
# overlap written as `2026-12-01T00:35:00Z` would slip through.
STORED_FORM = "????-??-?? ??:??:??.??????"
AT, INT, TEXT = sa.DateTime(timezone=True), sa.Integer(), sa.Text()
must, may = partial(sa.Column, nullable=False), partial(sa.Column, nullable=True)
BLOCKED_COLUMNS = "host_id, status, blocked_from, blocked_until"


def belongs_to(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    """A row that goes with its owner."""
    name = op.f(f"fk_{table}_{column}_{owner}")
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], name=name, ondelete="CASCADE")


# fmt: off
def upgrade() -> None:
    op.create_table(
        "users",
        must("id", INT), must("email", sa.String(254)), must("password_hash", sa.String(255)),
        must("name", sa.String(120)), must("locale", sa.String(8)),
        must("timezone", sa.String(64)), must("is_admin", sa.Boolean()),
        may("email_verified_at", AT), must("created_at", AT), may("disabled_at", AT),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "zoom_events",
        must("id", INT), must("digest", sa.String(64)), must("event", sa.String(64)),
        may("event_at", AT), must("received_at", AT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zoom_events")),
        sa.UniqueConstraint("digest", name=op.f("uq_zoom_events_digest")),
    )
    op.create_table(
        "booking_pages",
        must("id", INT), must("user_id", INT), must("slug", sa.String(64)),
        must("title", sa.String(120)), must("description", TEXT), must("location", sa.String(300)),
        must("duration", INT), may("increment", INT), must("buffer_before", INT),
        must("buffer_after", INT), must("notice", INT), may("horizon_days", INT),
        may("first_day", sa.Date()), may("last_day", sa.Date()), may("daily_limit", INT),
        must("timezone", sa.String(64)), may("holidays", sa.String(8)),
        must("auto_zoom", sa.Boolean()), must("is_live", sa.Boolean()), may("archived_at", AT),
        must("created_at", AT),
        sa.CheckConstraint(
            "buffer_after BETWEEN 0 AND 1440",
            name=op.f("ck_booking_pages_buffer_after"),
        ),
        sa.CheckConstraint(
            "buffer_before BETWEEN 0 AND 1440",
            name=op.f("ck_booking_pages_buffer_before"),
        ),
        sa.CheckConstraint(
            "daily_limit IS NULL OR daily_limit > 0",
            name=op.f("ck_booking_pages_daily_limit"),
        ),
        sa.CheckConstraint(
            "duration BETWEEN 5 AND 1440",
            name=op.f("ck_booking_pages_duration_in_a_day"),
        ),
        sa.CheckConstraint(
            "increment IS NULL OR increment BETWEEN 5 AND 1440",
            name=op.f("ck_booking_pages_increment"),
        ),
        sa.CheckConstraint("notice >= 0", name=op.f("ck_booking_pages_notice")),
        sa.CheckConstraint("slug = lower(slug)", name=op.f("ck_booking_pages_slug_is_lower_case")),
        belongs_to("booking_pages", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_pages")),
        sa.UniqueConstraint("slug", name=op.f("uq_booking_pages_slug")),
    )
    op.create_index("ix_booking_pages_user_id", "booking_pages", ["user_id"])

    op.create_table(
        "sessions",
        must("id", INT), must("token_hash", sa.String(64)), must("user_id", INT),
        must("created_at", AT), must("seen_at", AT), must("user_agent", sa.String(255)),
        belongs_to("sessions", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    op.create_table(
        "time_off",
        must("id", INT), must("host_id", INT), must("starts_at", AT), must("ends_at", AT),
        must("label", sa.String(120)),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_time_off_span")),
        belongs_to("time_off", "host_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_off")),
    )
    op.create_index(
        "ix_time_off_host_id_starts_at", "time_off", ["host_id", "starts_at", "ends_at"]
    )

    op.create_table(
        "zoom_connections",
        must("id", INT), must("user_id", INT), may("zoom_user_id", sa.String(64)),
        may("zoom_account_id", sa.String(64)), may("zoom_email", sa.String(254)),
        may("access_token", TEXT), may("refresh_token", TEXT), must("expires_at", AT),
        must("lifetime", INT), must("scopes", TEXT), must("status", sa.String(16)),
        must("authorized_at", AT), may("refreshing_until", AT),
        sa.CheckConstraint(
            "status IN ('active', 'needs_reconnect')",
            name=op.f("ck_zoom_connections_status_is_known"),
        ),
        belongs_to("zoom_connections", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zoom_connections")),
        sa.UniqueConstraint("user_id", name=op.f("uq_zoom_connections_user_id")),
        sa.UniqueConstraint("zoom_user_id", name=op.f("uq_zoom_connections_zoom_user_id")),
    )
    make_bookings()

    op.create_table(
        "page_hours",
        must("id", INT), must("page_id", INT), must("weekday", INT), must("opens", INT),
        must("closes", INT),
        sa.CheckConstraint(
            "opens >= 0 AND opens < closes AND closes <= 1440",
            name=op.f("ck_page_hours_range"),
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_page_hours_weekday")),
        belongs_to("page_hours", "page_id", "booking_pages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_hours")),
    )
    op.create_index("ix_page_hours_page_id", "page_hours", ["page_id"])

    op.create_table(
        "page_overrides",
        must("id", INT), must("page_id", INT), must("date", sa.Date()), may("opens", INT),
        may("closes", INT),
        sa.CheckConstraint(
            "(opens IS NULL AND closes IS NULL) OR (opens >= 0 AND opens < closes AND closes <= 1440)",
            name=op.f("ck_page_overrides_range"),
        ),
        belongs_to("page_overrides", "page_id", "booking_pages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_overrides")),
    )
    op.create_index("ix_page_overrides_page_id", "page_overrides", ["page_id"])

    make_tasks()
    refuse_overlaps()


def make_bookings() -> None:
    op.create_table(
        "bookings",
        must("id", INT), must("public_id", sa.String(16)), must("token_hash", sa.String(64)),
        must("token", TEXT), must("page_id", INT), must("host_id", INT), must("starts_at", AT),
        must("ends_at", AT), must("blocked_from", AT), must("blocked_until", AT),
        must("status", sa.String(12)), must("client_name", sa.String(120)),
        must("client_email", sa.String(254)), must("client_timezone", sa.String(64)),
        must("client_locale", sa.String(8)), must("note", TEXT), must("ical_uid", sa.String(120)),
        must("ical_sequence", INT), must("meeting_state", sa.String(8)),
        may("meeting_error", TEXT), may("zoom_meeting_id", sa.BigInteger()), may("join_url", TEXT),
        may("passcode", sa.String(64)), must("idempotency_key", sa.String(64)),
        must("created_at", AT), may("rescheduled_at", AT), may("cancelled_at", AT),
        may("cancelled_by", sa.String(8)),
        sa.CheckConstraint(
            "meeting_state IN ('none', 'wanted', 'ready', 'failed')",
            name=op.f("ck_bookings_meeting_state_is_known"),
        ),
        sa.CheckConstraint(
            "status IN ('confirmed', 'cancelled')",
            name=op.f("ck_bookings_status_is_known"),
        ),
        sa.CheckConstraint(
            "blocked_from <= starts_at AND starts_at < ends_at AND ends_at <= blocked_until",
            name=op.f("ck_bookings_span"),
        ),
        belongs_to("bookings", "host_id", "users"),
        belongs_to("bookings", "page_id", "booking_pages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("ical_uid", name=op.f("uq_bookings_ical_uid")),
        sa.UniqueConstraint(
            "page_id",
            "idempotency_key",
            name=op.f("uq_bookings_page_id_idempotency_key"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_bookings_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_bookings_token_hash")),
    )
    op.create_index(
        "ix_bookings_host_id_busy",
        "bookings",
        ["host_id", "status", "blocked_from", "blocked_until"],
    )
    op.create_index("ix_bookings_host_id_starts_at", "bookings", ["host_id", "starts_at"])
    op.create_index("ix_bookings_page_id", "bookings", ["page_id"])


def make_tasks() -> None:
    op.create_table(
        "tasks",
        must("id", INT), must("kind", sa.String(40)), may("booking_id", INT), may("user_id", INT),
        must("dedupe_key", sa.String(120)), must("state", sa.String(12)), must("attempts", INT),
        must("due_at", AT), may("enqueued_at", AT), may("lease_until", AT),
        may("lease_token", sa.String(43)), may("last_error", TEXT), must("created_at", AT),
        may("finished_at", AT),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_tasks_state_is_known"),
        ),
        sa.CheckConstraint(
            "booking_id IS NOT NULL OR user_id IS NOT NULL",
            name=op.f("ck_tasks_has_a_subject"),
        ),
        belongs_to("tasks", "booking_id", "bookings"),
        belongs_to("tasks", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_tasks_dedupe_key")),
    )
    op.create_index("ix_tasks_booking_id", "tasks", ["booking_id"])
    op.create_index("ix_tasks_state_due_at", "tasks", ["state", "due_at"])
    op.create_index("ix_tasks_user_id", "tasks", ["user_id"])


def refuse_overlaps() -> None:
    if op.get_bind().dialect.name == "postgresql":
        refuse_overlaps_on_postgresql()
    else:
        refuse_overlaps_on_sqlite()


# fmt: on
def refuse_overlaps_on_postgresql() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        """
        ALTER TABLE bookings ADD CONSTRAINT ex_bookings_no_overlap
        EXCLUDE USING gist (host_id WITH =, tstzrange(blocked_from, blocked_until, '[)') WITH &&)
        WHERE (status <> 'cancelled')
        """
    )


def refuse_overlaps_on_sqlite() -> None:
    for name, event in (
        ("insert", "INSERT ON bookings"),
        ("update", f"UPDATE OF {BLOCKED_COLUMNS} ON bookings"),
    ):
        op.execute(
            f"""
            CREATE TRIGGER tr_bookings_no_overlap_{name} BEFORE {event}
            BEGIN
                SELECT RAISE(ABORT, 'bookings: instants are kept as YYYY-MM-DD HH:MM:SS.ffffff')
                WHERE NEW.blocked_from NOT GLOB '{STORED_FORM}'
                   OR NEW.blocked_until NOT GLOB '{STORED_FORM}';
                SELECT RAISE(ABORT, 'bookings: overlaps a live booking of this host')
                WHERE NEW.status <> 'cancelled' AND EXISTS (
                    SELECT 1 FROM bookings
                    WHERE host_id = NEW.host_id
                      AND status <> 'cancelled'
                      AND id IS NOT NEW.id
                      AND blocked_from < NEW.blocked_until
                      AND blocked_until > NEW.blocked_from
                );
            END
            """
        )


def downgrade() -> None:
    for table in (
        "tasks",
        "page_overrides",
        "page_hours",
        "bookings",
        "zoom_connections",
        "time_off",
        "sessions",
        "booking_pages",
        "zoom_events",
        "users",
    ):
        op.drop_table(table)
