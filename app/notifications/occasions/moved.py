"""A booking has another time: one REQUEST with the same UID. Where another meeting is being made, this waits
for its link, up to the link wait; then it goes without."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l

from ...bookings.followups import MOVED, latest_move, untold
from ...bookings.models import Booking, Change
from ...bookings.occasions import Deed, Occasion
from ...bookings.remains import left_behind, link_after_move
from ...core.clock import utcnow
from ...core.config import current_settings
from ...i18n import gettext as _


class Moved(Occasion):
    name = MOVED
    after = Deed.MOVED
    to_attendee = _l("Mail about the move to the client")
    to_host = _l("Mail about the move to you")

    def due_at(self, booking: Booking, *, waits_for_link: bool) -> datetime | None:
        del booking
        return utcnow() + current_settings().link_wait if waits_for_link else None

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Moved: %(title)s with %(name)s, %(when)s", **words)

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        # Where the link came while this began, its mail would say nothing of the move.
        del has_link_mail
        return super().is_overtaken(booking, has_link_mail=False)

    def values(self, booking: Booking, party: str) -> dict[str, object]:
        """The move, with the time and the words since the last mail that this party got; what became of
        the link, and to the host the meetings that remain at Zoom."""
        move = latest_move(booking)
        changes = untold(booking, party)
        first = next((one for one in changes if one.old_starts_at), move)
        said = [one.words for one in changes if one.words and one.by != party]
        return {
            "move": move,
            "former": _former(booking, [*changes, move] if move else []),
            "link_after": link_after_move(booking, first) if first else None,
            "left_behind": left_behind(booking) if party == "host" else (),
            "said_lines": "\n\n".join(said).split("\n") if said else [],
        }


def _former(booking: Booking, changes: Iterable[Change]) -> tuple[datetime, datetime] | None:
    """The time that the reader knows; where it is the present one again, that of the last move."""
    times = [change.old_starts_at for change in changes if change.old_starts_at]
    if not times:
        return None
    starts_at = times[0] if times[0] != booking.starts_at else times[-1]
    return starts_at, starts_at + booking.length


OCCASION = Moved()
