"""The host's private calendar feed. The token in the address is the key: no sign-in, no cookie."""

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from ..core.crypto import fingerprint
from ..db import read_only
from ..web import rate_limits
from .feed import drawn, find_feed

bp = Blueprint("feed", __name__)


@bp.get("/feed/<token>.ics")
def show(token: str) -> ResponseReturnValue:
    """The host's confirmed bookings as a calendar to subscribe to; 304 where nothing has changed.
    :raises 404: no feed, or no longer. :raises 429:"""
    read_only()
    found = find_feed(token)
    if found is None:
        rate_limits.count("unknown feed")
        abort(404)
    rate_limits.count("feed", feed=fingerprint(token))
    # Compared weakly: a proxy that compresses makes a strong validator weak.
    if request.if_none_match.contains_weak(found.etag):
        response = Response(status=304)
    else:
        response = Response(drawn(found), content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = 'inline; filename="calsync.ics"'
    response.set_etag(found.etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
