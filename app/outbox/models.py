"""The transactional outbox: every side effect is a row before it is a deed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.clock import utcnow
from ..db import Model
from ..db.types import BigId, one_of


class State(StrEnum):
    """Where a task stands; see `Task`."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (State.WAITING, State.RUNNING)


class Task(Model):
    """One side effect of a booking or an account; `attendee_id` is who a mail is for, where that is not
    the host. A queue's job carries nothing but its id.

    `waiting` → `running` (under a lease) → `done`, `failed` or `cancelled`; a running task whose
    lease has run out may be claimed again. `enqueued_at` is when its id was last given to the
    queue: the sweep gives it again when that is long past and nothing came of it. `first_tried_at`
    is when it was first claimed, since the host's Retry if there was one: it is given up by age.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(one_of("state", State), name="state_is_known"),
        CheckConstraint("booking_id IS NOT NULL OR user_id IS NOT NULL", name="has_a_subject"),
        Index("ix_tasks_state_due_at", "state", "due_at"),
        Index(
            "ix_tasks_booking_id_failed",
            "booking_id",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    booking_id: Mapped[int | None] = mapped_column(
        ForeignKey("bookings.id", ondelete="CASCADE"), index=True
    )
    attendee_id: Mapped[int | None] = mapped_column(
        ForeignKey("attendees.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(12), default=State.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    first_tried_at: Mapped[datetime | None]
    enqueued_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(43))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
