"""The first schema: every table, and the fence against double bookings.

No two live bookings of a host overlap in [blocked_from, blocked_until): PostgreSQL holds it by
an exclusion constraint, SQLite by triggers on insert and update.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite compares instants as text, so all must have the one form that SQLAlchemy stores: an
# overlap written as `2026-12-01T00:35:00Z` would slip through.
STORED_FORM = "????-??-?? ??:??:??.??????"
BLOCKED_COLUMNS = "host_id, status, blocked_from, blocked_until"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "zoom_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zoom_events")),
        sa.UniqueConstraint("digest", name=op.f("uq_zoom_events_digest")),
    )
    op.create_table(
        "booking_pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("increment", sa.Integer(), nullable=True),
        sa.Column("buffer_before", sa.Integer(), nullable=False),
        sa.Column("buffer_after", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("holidays", sa.String(length=8), nullable=True),
        sa.Column("auto_zoom", sa.Boolean(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_booking_pages_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_pages")),
        sa.UniqueConstraint("slug", name=op.f("uq_booking_pages_slug")),
    )
    op.create_index("ix_booking_pages_user_id", "booking_pages", ["user_id"])

    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_sessions_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    op.create_table(
        "time_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_time_off_span")),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["users.id"],
            name=op.f("fk_time_off_host_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_off")),
    )
    op.create_index(
        "ix_time_off_host_id_starts_at", "time_off", ["host_id", "starts_at", "ends_at"]
    )

    op.create_table(
        "zoom_connections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("zoom_user_id", sa.String(length=64), nullable=True),
        sa.Column("zoom_account_id", sa.String(length=64), nullable=True),
        sa.Column("zoom_email", sa.String(length=254), nullable=True),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifetime", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshing_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('active', 'needs_reconnect')",
            name=op.f("ck_zoom_connections_status_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_zoom_connections_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zoom_connections")),
        sa.UniqueConstraint("user_id", name=op.f("uq_zoom_connections_user_id")),
        sa.UniqueConstraint("zoom_user_id", name=op.f("uq_zoom_connections_zoom_user_id")),
    )
    make_bookings()

    op.create_table(
        "page_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "opens >= 0 AND opens < closes AND closes <= 1440",
            name=op.f("ck_page_hours_range"),
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_page_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["booking_pages.id"],
            name=op.f("fk_page_hours_page_id_booking_pages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_hours")),
    )
    op.create_index("ix_page_hours_page_id", "page_hours", ["page_id"])

    op.create_table(
        "page_overrides",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=True),
        sa.Column("closes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(opens IS NULL AND closes IS NULL) OR (opens >= 0 AND opens < closes AND closes <= 1440)",
            name=op.f("ck_page_overrides_range"),
        ),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["booking_pages.id"],
            name=op.f("fk_page_overrides_page_id_booking_pages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_overrides")),
    )
    op.create_index("ix_page_overrides_page_id", "page_overrides", ["page_id"])

    make_tasks()
    refuse_overlaps()


def make_bookings() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("client_name", sa.String(length=120), nullable=False),
        sa.Column("client_email", sa.String(length=254), nullable=False),
        sa.Column("client_timezone", sa.String(length=64), nullable=False),
        sa.Column("client_locale", sa.String(length=8), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ical_uid", sa.String(length=120), nullable=False),
        sa.Column("ical_sequence", sa.Integer(), nullable=False),
        sa.Column("meeting_state", sa.String(length=8), nullable=False),
        sa.Column("meeting_error", sa.Text(), nullable=True),
        sa.Column("zoom_meeting_id", sa.BigInteger(), nullable=True),
        sa.Column("join_url", sa.Text(), nullable=True),
        sa.Column("passcode", sa.String(length=64), nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rescheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(length=8), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["users.id"],
            name=op.f("fk_bookings_host_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["page_id"],
            ["booking_pages.id"],
            name=op.f("fk_bookings_page_id_booking_pages"),
            ondelete="CASCADE",
        ),
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
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=43), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_tasks_state_is_known"),
        ),
        sa.CheckConstraint(
            "booking_id IS NOT NULL OR user_id IS NOT NULL",
            name=op.f("ck_tasks_has_a_subject"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_tasks_booking_id_bookings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_tasks_user_id_users"),
            ondelete="CASCADE",
        ),
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
