"""Hosts and their sign-ins."""

from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.clock import utcnow
from ..db import Model
from ..db.once import MadeByForm
from ..db.types import one_of

EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3
NAME_LENGTH = 120


class User(UserMixin, MadeByForm, Model):
    """A host: someone with booking pages. `is_admin` opens the queues as well. Whoever knows the feed's
    token, of which only the fingerprint is kept, reads the host's bookings as a calendar."""

    __tablename__ = "users"
    __allow_unmapped__ = True  # for session_token, which is no column
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        Index("ix_users_feed_token_hash", "feed_token_hash", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    locale: Mapped[str] = mapped_column(String(8))
    timezone: Mapped[str] = mapped_column(String(64))
    is_admin: Mapped[bool] = mapped_column(default=False)
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    disabled_at: Mapped[datetime | None]
    feed_token_hash: Mapped[str | None] = mapped_column(String(64))

    credentials: Mapped[list["Credential"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    sessions: Mapped[list["SignIn"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )

    # The plain token of the sign-in that this request came with; never stored.
    session_token: str | None = None

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    def get_id(self) -> str:
        """What Flask-Login puts into the cookie: the sign-in's token, not the user's id."""
        if self.session_token is None:
            raise ValueError("a user is signed in through accounts.service.sign_in")
        return self.session_token


class CredentialKind(StrEnum):
    """What somebody signs in with."""

    PASSWORD = "password"  # noqa: S105  (a kind)
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"


class Credential(Model):
    """One thing a host signs in with. `secret` is hashed where it can be (a password: argon2id).
    At most one password a host."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint(one_of("kind", CredentialKind), name="kind_is_known"),
        Index(
            "ix_credentials_user_id_password",
            "user_id",
            unique=True,
            sqlite_where=text("kind = 'password'"),
            postgresql_where=text("kind = 'password'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    secret: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="credentials")


class SignIn(Model):
    """One browser that is signed in. Deleting the row signs it out, wherever its cookie is."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    user_agent: Mapped[str] = mapped_column(String(255), default="")

    user: Mapped[User] = relationship(back_populates="sessions", lazy="joined")
