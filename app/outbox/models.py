"""The transactional outbox: every side effect is a row before it is a deed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.clock import utcnow
from ..db import Model

OPEN_STATES = ("waiting", "running")


class Task(Model):
    """One side effect of a booking or an account. A queue's job carries nothing but its id.

    `waiting` → `running` (under a lease) → `done`, `failed` or `cancelled`; a running task whose
    lease has run out may be claimed again. `enqueued_at` is when its id was last given to the
    queue: the sweep gives it again when that is long past and nothing came of it. `first_tried_at`
    is when it was first claimed, since the host's Retry if there was one: it is given up by age.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
            name="state_is_known",
        ),
        CheckConstraint("booking_id IS NOT NULL OR user_id IS NOT NULL", name="has_a_subject"),
        Index("ix_tasks_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    booking_id: Mapped[int | None] = mapped_column(
        ForeignKey("bookings.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    first_tried_at: Mapped[datetime | None]
    enqueued_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(43))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
