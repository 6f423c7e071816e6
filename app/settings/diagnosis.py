"""Why are no Zoom meetings made? The guide's troubleshooting, asked of the database and of Zoom."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..accounts.models import User
from ..booking_pages.models import BookingPage
from ..booking_pages.service import pages_of
from ..bookings.models import Booking
from ..desk.listing import latest_meetings
from ..outbox import Refused, Task, Unavailable
from ..zoom import abilities, tokens
from ..zoom.models import ZoomConnection

MEETINGS = 5


@dataclass(frozen=True)
class Diagnosis:
    """What was found. `trouble` is why Zoom did not renew the token: a code, empty when it did."""

    connection: ZoomConnection | None
    trouble: str
    missing: Sequence[str]
    auto_pages: Sequence[BookingPage]
    meetings: Sequence[tuple[Booking, Task]]

    @property
    def is_connected(self) -> bool:
        return self.connection is not None and self.connection.is_active


def diagnose(host: User) -> Diagnosis:
    """Look at everything that a meeting needs. A real refresh shows whether the token is alive;
    it commits, and a connection that is found dead ends here."""
    trouble = _trouble_with_token(host.id)
    connection = tokens.connection_of(host.id)
    return Diagnosis(
        connection=connection,
        trouble=trouble,
        missing=abilities.missing_in(connection.scopes if connection else ""),
        auto_pages=[page for page in pages_of(host) if page.auto_zoom],
        meetings=latest_meetings(host, MEETINGS),
    )


def _trouble_with_token(user_id: int) -> str:
    try:
        tokens.probe(user_id)
    except (Refused, Unavailable) as error:
        return error.reason
    return ""
