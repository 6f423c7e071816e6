"""A booking: one client, one host, one span of time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..accounts.models import EMAIL_LENGTH, NAME_LENGTH, User
from ..booking_pages.models import BookingPage
from ..core.clock import utcnow
from ..db import Model
from ..db.types import Encrypted
from ..outbox.models import Task
from ..zoom.values import ID_LENGTH

NOTE_LENGTH = 2000


class Booking(Model):
    """What a client holds. `[blocked_from, blocked_until)` is the span with its buffers, and no
    two live bookings of a host overlap there: the database itself refuses it (an exclusion
    constraint on PostgreSQL, triggers on SQLite; see the first migration)."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("status IN ('confirmed', 'cancelled')", name="status_is_known"),
        CheckConstraint(
            "meeting_state IN ('none', 'wanted', 'ready', 'failed')",
            name="meeting_state_is_known",
        ),
        CheckConstraint(
            "blocked_from <= starts_at AND starts_at < ends_at AND ends_at <= blocked_until",
            name="span",
        ),
        UniqueConstraint("page_id", "idempotency_key"),
        Index(
            "ix_bookings_host_id_busy",
            "host_id",
            "status",
            "blocked_from",
            "blocked_until",
        ),
        Index("ix_bookings_host_id_starts_at", "host_id", "starts_at"),
        Index(
            "ix_bookings_zoom_erase_at",
            "zoom_erase_at",
            sqlite_where=text("zoom_erase_at IS NOT NULL"),
            postgresql_where=text("zoom_erase_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token: Mapped[str] = mapped_column(Encrypted)
    page_id: Mapped[int] = mapped_column(
        ForeignKey("booking_pages.id", ondelete="CASCADE"), index=True
    )
    host_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    blocked_from: Mapped[datetime]
    blocked_until: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(12), default="confirmed")
    client_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    client_email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    client_timezone: Mapped[str] = mapped_column(String(64))
    client_locale: Mapped[str] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(Text, default="")
    ical_uid: Mapped[str] = mapped_column(String(120), unique=True)
    ical_sequence: Mapped[int] = mapped_column(default=0)
    meeting_state: Mapped[str] = mapped_column(String(8), default="none")
    meeting_error: Mapped[str | None] = mapped_column(Text)
    zoom_meeting_id: Mapped[int | None] = mapped_column(BigInteger)
    zoom_host_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))  # whose meeting it is
    join_url: Mapped[str | None] = mapped_column(Encrypted)
    passcode: Mapped[str | None] = mapped_column(Encrypted)
    zoom_erase_at: Mapped[datetime | None]  # when what is left of Zoom's data is to go
    idempotency_key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    rescheduled_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(String(8))

    page: Mapped[BookingPage] = relationship()
    host: Mapped[User] = relationship()
    tasks: Mapped[list[Task]] = relationship(
        order_by=Task.id, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def is_live(self) -> bool:
        return self.status != "cancelled"

    @property
    def is_past(self) -> bool:
        return self.ends_at <= utcnow()

    @property
    def has_meeting(self) -> bool:
        """Whether there is a meeting at Zoom, as far as CalSync knows."""
        return self.meeting_state == "ready" or self.zoom_meeting_id is not None

    @property
    def has_unreadable_link(self) -> bool:
        """Whether its meeting's link is there and cannot be told: the key that seals it is lost."""
        return self.meeting_state == "ready" and self.join_url is None and not self.is_past

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def client_zone(self) -> ZoneInfo:
        return ZoneInfo(self.client_timezone)

    @property
    def host_zone(self) -> ZoneInfo:
        """The zone the host reads every time in: the host's own, whatever the page's is."""
        return ZoneInfo(self.host.timezone)

    @property
    def page_zone(self) -> ZoneInfo | None:
        """The page's zone where it shows another time than the host's clock does, else None."""
        zone = ZoneInfo(self.page.timezone)
        here, there = (self.starts_at.astimezone(each) for each in (self.host_zone, zone))
        return zone if here.utcoffset() != there.utcoffset() else None
