"""What is left of an account that was deleted: that it was done."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.clock import utcnow
from ..db import Model


class Deletion(Model):
    """The full deletion of one account: begun, and carried out when `finished_at` says so.

    Whose account it was is told by `user_id` while it is under way, and by nothing afterwards.
    The operator's answer to the request names the `reference`, and so shows what was done. The
    counts are of rows; they are known at the end.
    """

    __tablename__ = "deletions"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), unique=True
    )
    begun_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
    pages: Mapped[int] = mapped_column(default=0)
    bookings: Mapped[int] = mapped_column(default=0)
    called_off: Mapped[int] = mapped_column(default=0)  # bookings to come, cancelled for it
    unsent: Mapped[int] = mapped_column(default=0)  # cancellations that reached no mail server
