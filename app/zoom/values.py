"""Plain values that the wire and the connection share."""

from dataclasses import dataclass
from datetime import datetime

ID_LENGTH = 64
EMAIL_LENGTH = 254


@dataclass(frozen=True)
class Access:
    """The right to call Zoom for one host, until `expires_at` (aware UTC)."""

    token: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True)
class Identity:
    """Who a Zoom user is, as far as Zoom has told; None is what it has not."""

    user_id: str | None = None
    account_id: str | None = None
    email: str | None = None

    @classmethod
    def of(cls, user_id: object, account_id: object = None, email: object = None) -> "Identity":
        """Out of an answer of Zoom's; what is no text, or too long for a column, is unknown."""
        return cls(
            _text(user_id, ID_LENGTH), _text(account_id, ID_LENGTH), _text(email, EMAIL_LENGTH)
        )


UNKNOWN = Identity()


def _text(value: object, longest: int) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable():
        return value
    return None
