"""The online meeting of a booking, as CalSync knows it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Model
from ..db.types import BigId, Encrypted, one_of
from ..zoom.values import ID_LENGTH


class MeetingState(StrEnum):
    """`wanted` until there is a link; `left_behind`: another one took its place at the provider."""

    WANTED = "wanted"
    READY = "ready"
    FAILED = "failed"
    LEFT_BEHIND = "left_behind"


class Meeting(Model):
    """A booking's meeting at `provider`: at most one that is current.

    `zoom_host_id` is the Zoom user whose it is. `error` is a code, behind which the other side's own
    words may stand. At `erase_at` what is left of the provider's data is to go. `checked_at`: when it was
    last seen at the provider as it should be.
    """

    __tablename__ = "meetings"
    __table_args__ = (
        CheckConstraint(one_of("state", MeetingState), name="state_is_known"),
        Index(
            "ix_meetings_booking_id_current",
            "booking_id",
            unique=True,
            sqlite_where=text("state <> 'left_behind'"),
            postgresql_where=text("state <> 'left_behind'"),
        ),
        Index("ix_meetings_booking_id", "booking_id", "id", "state"),
        Index("ix_meetings_zoom_host_id", "zoom_host_id"),
        Index(
            "ix_meetings_erase_at",
            "erase_at",
            sqlite_where=text("erase_at IS NOT NULL"),
            postgresql_where=text("erase_at IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(String(8), default="zoom")
    external_id: Mapped[int | None] = mapped_column(BigInteger)
    zoom_host_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    join_url: Mapped[str | None] = mapped_column(Encrypted)
    passcode: Mapped[str | None] = mapped_column(Encrypted)
    state: Mapped[str] = mapped_column(String(12))
    error: Mapped[str | None] = mapped_column(Text)
    erase_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]

    @property
    def exists(self) -> bool:
        """Whether there is one at the provider, as far as CalSync knows."""
        return self.state == MeetingState.READY or self.external_id is not None
