"""The client's invitation as a file, for calendars that read no mail."""

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from ..bookings.service import find_by_token
from ..i18n import use_language
from ..web.headers import keep_private
from .invitations import PUBLISH, invitation

bp = Blueprint("notifications", __name__)
bp.after_request(keep_private)


@bp.get("/booking/<token>/invite.ics")
def invite(token: str) -> ResponseReturnValue:
    """The booking as it stands now. :raises 404: no such booking."""
    booking = find_by_token(token) or abort(404)
    with use_language(booking.client.locale):
        body = invitation(booking, "client", PUBLISH)
    response = Response(body, content_type=f"text/calendar; charset=utf-8; method={PUBLISH}")
    response.headers["Content-Disposition"] = 'attachment; filename="invite.ics"'
    return response
