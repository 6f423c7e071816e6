"""The meeting was changed at Zoom, not by CalSync, and is as agreed again."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ...bookings.followups import REPAIRED
from ...bookings.occasions import Occasion
from ...i18n import gettext as _


class Repaired(Occasion):
    name = REPAIRED
    to_attendee = _l("Mail about the repair to the client")
    to_host = _l("Mail about the repair to you")

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Time confirmed: %(title)s with %(name)s, %(when)s", **words)


OCCASION = Repaired()
