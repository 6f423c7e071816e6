"""A booking, the span of the host's time that it holds, and what was changed about it."""

from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..accounts.models import EMAIL_LENGTH, User
from ..booking_pages.models import LOCATION_LENGTH, TITLE_LENGTH, BookingPage
from ..core.clock import utcnow
from ..db import Model
from ..db.types import BigId, Encrypted, one_of
from ..outbox.models import Task
from .attendees import Attendee, Role
from .meetings import Meeting, MeetingState

NOTE_LENGTH = 2000
PRIVATE_NOTE_LENGTH = 4000
WORDS_LENGTH = 1000  # of what one party says to the other with a change


class Status(StrEnum):
    """`offered`: a candidate that a client may choose. `pending`: waits to be confirmed."""

    OFFERED = "offered"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Booking(Model):
    """What a client and a host have agreed upon, in the terms of that moment: `title`, `location`,
    `timezone` (the page's, IANA), `duration` (minutes) and the organizer of the invitation. The page
    may say something else by now (`page_version` is the one that was read).

    `version` rises with each change that somebody may have overlooked in an open form. The join
    token opens `/join/<token>` and nothing else; its plain copy is sealed. Bookings that were made
    together share a `series_id`. `private_note` is the host's alone.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status_is_known"),
        CheckConstraint("starts_at < ends_at", name="span"),
        UniqueConstraint("page_id", "idempotency_key"),
        Index("ix_bookings_page_id_starts_at", "page_id", "starts_at"),
        # All that a list chooses by and a feed is known by, so that neither reads anything else.
        Index(
            "ix_bookings_host_id_listed",
            "host_id", "starts_at", "id", "status", "ends_at", "page_id", "version",
            "ical_sequence", "search_words",
        ),
        Index("ix_bookings_join_hash", "join_hash", unique=True),
        Index("ix_bookings_series_id", "series_id"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("booking_pages.id", ondelete="CASCADE"))
    host_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    location: Mapped[str] = mapped_column(String(LOCATION_LENGTH), default="")
    timezone: Mapped[str] = mapped_column(String(64))
    duration: Mapped[int]
    page_version: Mapped[int]
    organizer_email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(12), default=Status.CONFIRMED)
    version: Mapped[int] = mapped_column(default=1)
    note: Mapped[str] = mapped_column(Text, default="")
    private_note: Mapped[str | None] = mapped_column(Text)
    search_words: Mapped[str] = mapped_column(Text, default="", server_default="")
    no_show_at: Mapped[datetime | None]
    series_id: Mapped[str | None] = mapped_column(String(16))
    join_hash: Mapped[str | None] = mapped_column(String(64))
    join_token: Mapped[str | None] = mapped_column(Encrypted)
    ical_uid: Mapped[str] = mapped_column(String(120), unique=True)
    ical_sequence: Mapped[int] = mapped_column(default=0)
    idempotency_key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(String(8))

    page: Mapped[BookingPage] = relationship()
    host: Mapped[User] = relationship()
    client: Mapped[Attendee] = relationship(
        primaryjoin=lambda: (Attendee.booking_id == Booking.id) & (Attendee.role == Role.CLIENT),
        cascade="all, delete-orphan", passive_deletes=True, single_parent=True, uselist=False,
    )  # fmt: skip
    meeting: Mapped[Meeting | None] = relationship(
        primaryjoin=lambda: (
            (Meeting.booking_id == Booking.id) & (Meeting.state != MeetingState.LEFT_BEHIND)
        ),
        cascade="all, delete-orphan", passive_deletes=True, single_parent=True, uselist=False,
    )  # fmt: skip
    hold: Mapped["Hold | None"] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    changes: Mapped[list["Change"]] = relationship(
        order_by="Change.id", cascade="all, delete-orphan", passive_deletes=True
    )
    tasks: Mapped[list[Task]] = relationship(
        order_by=Task.id, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def is_live(self) -> bool:
        return self.status != Status.CANCELLED

    @property
    def is_past(self) -> bool:
        return self.ends_at <= utcnow()

    @property
    def meeting_state(self) -> MeetingState | None:
        """How its meeting stands; None for a booking without one."""
        return MeetingState(self.meeting.state) if self.meeting else None

    @property
    def has_meeting(self) -> bool:
        """Whether there is a meeting at Zoom, as far as CalSync knows."""
        return self.meeting is not None and self.meeting.exists

    @property
    def join_url(self) -> str | None:
        """The address of its meeting, where there is one that can be told."""
        return self.meeting.join_url if self.meeting else None

    @property
    def passcode(self) -> str | None:
        return self.meeting.passcode if self.meeting else None

    @property
    def has_unreadable_link(self) -> bool:
        """Whether its meeting's link is there and cannot be told: the key that seals it is lost."""
        is_ready = self.meeting_state is MeetingState.READY
        return is_ready and self.join_url is None and not self.is_past

    @property
    def zoom_host_id(self) -> str | None:
        """The Zoom user whose its meeting is, where that is known."""
        return self.meeting.zoom_host_id if self.meeting else None

    @property
    def host_zone(self) -> ZoneInfo:
        """The zone the host reads every time in: the host's own, whatever the page's was."""
        return ZoneInfo(self.host.timezone)

    @property
    def page_zone(self) -> ZoneInfo | None:
        """The agreed zone where it shows another time than the host's clock does, else None."""
        zone = ZoneInfo(self.timezone)
        here, there = (self.starts_at.astimezone(each) for each in (self.host_zone, zone))
        return zone if here.utcoffset() != there.utcoffset() else None

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def opening_change(self) -> "Change | None":
        """Of a booking that its host has made: what the first invitation tells. Else None."""
        return next((change for change in self.changes if change.sequence == 0), None)

    @property
    def parting_words(self) -> str | None:
        """What whoever cancelled it has said to the other; None for nothing, and while it is live."""
        return self.changes[-1].words if self.changes and not self.is_live else None


class Hold(Model):
    """A span of a host's time that nobody else gets: a booking with its buffers, half-open.

    No two holds of one host overlap in `[blocked_from, blocked_until)`: the database itself refuses
    it (an exclusion constraint on PostgreSQL, triggers on SQLite, in the migrations). A cancelled
    booking has none; the sweep deletes those that are long over.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("blocked_from < blocked_until", name="span"),
        Index("ix_holds_host_id_busy", "host_id", "blocked_from", "blocked_until"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    booking_id: Mapped[int] = mapped_column(
        ForeignKey("bookings.id", ondelete="CASCADE"), index=True
    )
    host_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    blocked_from: Mapped[datetime]
    blocked_until: Mapped[datetime]


class Change(Model):
    """What the mail about one SEQUENCE of the invitation tells: who changed the booking, and the
    words that go with it. Tasks carry no data."""

    __tablename__ = "changes"
    __table_args__ = (
        UniqueConstraint("booking_id", "sequence"),
        CheckConstraint("by IN ('client', 'host')", name="by_is_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    by: Mapped[str] = mapped_column(String(8))
    old_starts_at: Mapped[datetime | None]
    words: Mapped[str | None] = mapped_column(Encrypted)
    at: Mapped[datetime] = mapped_column(default=utcnow)
