"""A host's connection to Zoom, and the webhook events already dealt with."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..crypto import Encrypted
from ..extensions import Model


class ZoomConnection(Model):
    """The right to make meetings as one Zoom user, given by one host."""

    __tablename__ = "zoom_connections"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'needs_reconnect')", name="status_is_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    zoom_user_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    zoom_account_id: Mapped[str | None] = mapped_column(String(64))
    zoom_email: Mapped[str | None] = mapped_column(String(254))
    access_token: Mapped[str | None] = mapped_column(Encrypted)
    refresh_token: Mapped[str | None] = mapped_column(Encrypted)
    expires_at: Mapped[datetime]
    lifetime: Mapped[int]  # seconds that Zoom gave the access token; refresh at a tenth of it
    scopes: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(16), default="active")
    authorized_at: Mapped[datetime]
    refreshing_until: Mapped[datetime | None]  # one worker at a time asks for a new token

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    def may(self, scope: str) -> bool:
        """Whether the host granted `scope`; what CalSync can do follows from nothing else."""
        return scope in self.scopes.split()


class ZoomEvent(Model):
    """A webhook event that has had its effect, so that a repeat has none."""

    __tablename__ = "zoom_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    event: Mapped[str] = mapped_column(String(64))
    event_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
