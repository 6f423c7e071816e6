"""The meeting's link, for those whose confirmation has left without it."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ...bookings.followups import LINK
from ...bookings.occasions import Occasion
from ...i18n import gettext as _


class Link(Occasion):
    name = LINK
    to_attendee = _l("Zoom link to the client")
    to_host = _l("Zoom link to you")
    tells_details = False

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Zoom link: %(title)s with %(name)s, %(when)s", **words)


OCCASION = Link()
