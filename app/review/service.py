"""The account that a reviewer of Zoom's signs in with: ready, and nobody's before."""

from dataclasses import dataclass, field

from ..accounts import service as accounts
from ..accounts.models import User
from ..booking_pages import service as pages
from ..booking_pages.models import BookingPage
from ..core.clock import utcnow
from ..core.crypto import new_reference
from ..db import db
from ..events import Actor

NAME = "Zoom Reviewer"
TITLE = "Zoom review"
DESCRIPTION = "For reviewing how CalSync works with Zoom. Book any time; it can be cancelled again."
# Reviewers sit in any time zone, and book at the hour that they work.
ZONE = "UTC"
ROUND_THE_CLOCK = [(weekday, 0, 1440) for weekday in range(7)]
COLUMNS: dict[str, object] = {
    "title": TITLE,
    "slug": "",  # one that is free
    "description": DESCRIPTION,
    "duration": 30,
    "notice": 0,
    "horizon_days": 60,
    "timezone": ZONE,
    "auto_zoom": True,
}
PASSWORD_LENGTH = 20  # 99 bits, of letters and digits that nobody confuses


@dataclass(frozen=True)
class Seeded:
    """The new account. The password is kept nowhere but as a hash."""

    email: str
    password: str = field(repr=False)
    slug: str


def seed(email: str) -> Seeded:
    """Make an English host with a verified address and a live page that creates Zoom meetings;
    commits. Zoom is left to be connected: that is what the reviewer looks at.

    `email` is folded. Raises accounts.AddressTaken, and changes nothing then: an account that is
    there may be anybody's.
    """
    password = new_reference(PASSWORD_LENGTH)
    host = accounts.sign_up(email, password, NAME, locale="en", timezone=ZONE, by=Actor.OPERATOR)
    host.email_verified_at = utcnow()  # by the operator, who reads its mail
    db.session.commit()
    return Seeded(email, password, _make_page(host).slug)


def _make_page(host: User) -> BookingPage:
    return pages.create_page(host, pages.Draft(dict(COLUMNS), ROUND_THE_CLOCK, []))
