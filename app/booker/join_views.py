"""The join address of a booking: one press leads to its meeting, and a calm page stands in for one that is
not there. Its token gives nothing but this: the page names neither the client nor what they wrote."""

from flask import Blueprint, abort, g
from flask.typing import ResponseReturnValue

from ..bookings import joining
from ..bookings.joining import Way
from ..web.headers import keep_private
from ..web.htmx import go_to, render
from ..web.rate_limits import count

bp = Blueprint("join", __name__)
bp.after_request(keep_private)


@bp.get("/join/<token>")
def go(token: str) -> ResponseReturnValue:
    """303: on to the meeting. 200: why not, or not at once; while the meeting is being made the page
    asks again, and then leads on. :raises 404: no such booking. :raises 429: too many of these.
    """
    booking = joining.find_by_join_token(token)
    if booking is None:
        # Who has an address that is right is never stopped, whatever their neighbours try.
        count("join")
        abort(404)
    g.host_language = booking.client.locale
    way = joining.way_of(booking)
    if way is Way.OPEN:
        assert booking.join_url is not None
        return go_to(booking.join_url)
    return render(
        "booker/join.html",
        "booker/_join.html",
        booking=booking,
        way=way,
        zone=booking.client.zone,
        token=token,
        ask_every=joining.asks_every(booking) if way is Way.NOT_YET else None,
        may_run_over=joining.may_run_over(booking),
    )
