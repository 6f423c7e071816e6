"""When a host is away. Minutes of a day count from local midnight, 0 to 1440."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Model

LABEL_LENGTH = 120
MINUTES_A_DAY = 1440


class TimeOff(Model):
    """A span in which the host is away: busy on every page of theirs."""

    __tablename__ = "time_off"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        # Unique: the same span added twice is one, whoever presses how often.
        Index("ix_time_off_host_id_starts_at", "host_id", "starts_at", "ends_at", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default="")
