"""Who comes to a booking besides its host. A client today; guests are rows of the same kind."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ..accounts.models import EMAIL_LENGTH, NAME_LENGTH
from ..db import Model
from ..db.types import BigId, Encrypted, one_of


class Role(StrEnum):
    """What somebody is to a booking."""

    CLIENT = "client"
    GUEST = "guest"


class Attendee(Model):
    """Somebody who is written to about a booking, in `locale` (a language of ours) and `timezone`
    (IANA). The token opens their own page; its plain copy is sealed, since later mails carry the
    link again. `declined_at`: their calendar has said no; `reply_stamped_at` is the stamp of the last
    thing that it has said."""

    __tablename__ = "attendees"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role_is_known"),
        Index(
            "ix_attendees_booking_id_client",
            "booking_id",
            unique=True,
            sqlite_where=text("role = 'client'"),
            postgresql_where=text("role = 'client'"),
        ),
        Index("ix_attendees_booking_id", "booking_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    locale: Mapped[str] = mapped_column(String(8))
    timezone: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token: Mapped[str] = mapped_column(Encrypted)
    reminders_off_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    reply_stamped_at: Mapped[datetime | None]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
