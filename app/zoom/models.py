"""A host's connection to Zoom, and the webhook events already dealt with."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Model
from ..db.types import Encrypted
from .abilities import Abilities
from .values import EMAIL_LENGTH, ID_LENGTH

# Why a connection needs to be made anew; templates turn them into words.
ENDED = "ended"  # Zoom no longer knows the tokens
SCOPE_MISSING = "scope_missing"  # the permission to create meetings is not among those granted
USER_GONE = "user_gone"
LINKED_ELSEWHERE = "linked_elsewhere"  # the Zoom user belongs to another host of CalSync


class ZoomConnection(Model):
    """The right to make meetings as one Zoom user, given by one host."""

    __tablename__ = "zoom_connections"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'needs_reconnect')", name="status_is_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    zoom_user_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), unique=True)
    zoom_account_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    zoom_email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    access_token: Mapped[str | None] = mapped_column(Encrypted)
    refresh_token: Mapped[str | None] = mapped_column(Encrypted)
    expires_at: Mapped[datetime]
    lifetime: Mapped[int]  # seconds that Zoom gave the access token; refresh at a tenth of it
    scopes: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(16), default="active")
    authorized_at: Mapped[datetime]
    refreshing_until: Mapped[datetime | None]  # one worker at a time asks for a new token
    ended_because: Mapped[str | None] = mapped_column(String(32))  # one of the codes above
    doubted_at: Mapped[datetime | None]  # the sweep has it checked by a refresh

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def makes_meetings(self) -> bool:
        return self.is_active and self.abilities.creates

    @property
    def abilities(self) -> Abilities:
        """What CalSync can do here; it follows from the granted scopes and from nothing else."""
        return Abilities.of(self.scopes)


class ZoomErasure(Model):
    """A Zoom user who has removed CalSync (`asked_at`) and does not leave it the data.

    What came from Zoom and lies on bookings is deleted by the sweep; at `due_at` it looks again.
    """

    __tablename__ = "zoom_erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    zoom_user_id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]


class ZoomEvent(Model):
    """A webhook event that has had its effect, so that a repeat has none."""

    __tablename__ = "zoom_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    event: Mapped[str] = mapped_column(String(64))
    event_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
