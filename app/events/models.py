"""Events. The database itself refuses to change one, and to delete one while its host's account exists
(triggers, in the migrations)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.clock import utcnow
from ..db import Model
from ..db.types import BigId, one_of


class Actor(StrEnum):
    """Who did it: `operator` by a command, `system` by itself."""

    HOST = "host"
    CLIENT = "client"
    OPERATOR = "operator"
    SYSTEM = "system"
    ZOOM = "zoom"


class Action(StrEnum):
    """What was done: the kind of its subject, and the deed."""

    ACCOUNT_MADE = "account.made"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_TAKEN_OVER = "account.taken_over"
    ACCOUNT_CLOSED = "account.closed"
    FEED_MADE = "feed.made"
    FEED_ENDED = "feed.ended"
    PAGE_MADE = "page.made"
    PAGE_CHANGED = "page.changed"
    PAGE_TURNED_ON = "page.turned_on"
    PAGE_TURNED_OFF = "page.turned_off"
    PAGE_ARCHIVED = "page.archived"
    PAGE_RESTORED = "page.restored"
    TIME_OFF_ADDED = "time_off.added"
    TIME_OFF_REMOVED = "time_off.removed"
    ZOOM_CONNECTED = "zoom.connected"
    ZOOM_DISCONNECTED = "zoom.disconnected"
    ZOOM_ENDED = "zoom.ended"
    ZOOM_REMOVED = "zoom.removed"
    BOOKING_MADE = "booking.made"
    BOOKING_MOVED = "booking.moved"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_ADDRESS_CORRECTED = "booking.address_corrected"
    BOOKING_SENT_AGAIN = "booking.sent_again"
    BOOKING_RETRIED = "booking.retried"
    BOOKING_NO_SHOW = "booking.no_show"
    BOOKING_NO_SHOW_TAKEN_BACK = "booking.no_show_taken_back"
    BOOKING_REMINDERS_OFF = "booking.reminders_off"
    BOOKING_REMINDERS_ON = "booking.reminders_on"
    BOOKING_DECLINED = "booking.declined"
    BOOKING_DECLINE_WITHDRAWN = "booking.decline_withdrawn"


class Event(Model):
    """One deed. `subject_id` is the row's that it was done to, `details` say more without naming
    anybody. It goes with its host's account, and not before."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(one_of("actor_kind", Actor), name="actor_is_known"),
        Index("ix_events_host_id_id", "host_id", "id"),
        Index("ix_events_subject", "subject_kind", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    actor_kind: Mapped[str] = mapped_column(String(8))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    action: Mapped[str] = mapped_column(String(40))
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    host_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
