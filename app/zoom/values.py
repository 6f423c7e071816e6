"""Plain values that the wire and the connection share."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ID_LENGTH = 64
EMAIL_LENGTH = 254


@dataclass(frozen=True)
class Access:
    """The right to call Zoom for one host, until `expires_at` (aware UTC), as the Zoom user
    `zoom_user_id`; None is one whom Zoom has not named yet."""

    token: str
    scopes: frozenset[str]
    expires_at: datetime
    zoom_user_id: str | None = None


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


@dataclass(frozen=True)
class MeetingRequest:
    """A meeting to make. `starts_at` is aware; `minutes` whole; `timezone` the host's IANA zone, or
    None to leave it to the Zoom user's own."""

    topic: str
    agenda: str
    starts_at: datetime
    minutes: int
    timezone: str | None


@dataclass(frozen=True)
class Meeting:
    """What Zoom made, as far as CalSync keeps it. `starts_at` (aware UTC) is None where Zoom does not
    tell it."""

    id: int
    join_url: str
    passcode: str | None
    host_id: str
    host_email: str | None
    starts_at: datetime | None = None


@dataclass(frozen=True)
class LiveMeeting:
    """A meeting as Zoom knows it now. `status` is Zoom's word: waiting, started. `host_id` is the
    Zoom user whose meeting it is, or empty."""

    status: str
    starts_at: datetime | None
    length: timedelta | None
    passcode: str | None
    host_id: str
