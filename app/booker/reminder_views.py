"""A client's switch for reminders of one booking: opened by a token that opens nothing else, since mail
programs read it and may press it by themselves (RFC 8058)."""

from flask import Blueprint, Response, abort, g, request, url_for
from flask.typing import ResponseReturnValue

from ..bookings import reminder_switch, standing
from ..bookings.models import Booking
from ..i18n import language_in_address
from ..web.extensions import csrf
from ..web.headers import keep_private
from ..web.htmx import render, see_other
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import count

ONE_CLICK = ("List-Unsubscribe", "One-Click")

bp = Blueprint("reminders", __name__, url_prefix="/reminders/<token>")
bp.after_request(keep_private)


@bp.get("")
def show(token: str) -> ResponseReturnValue:
    """Whether this client is reminded, and one button to change it. :raises 404: no such booking."""
    return render_switch(booking_or_404(token), token)


@bp.post("")
@csrf.exempt
def turn_off(token: str) -> ResponseReturnValue:
    """No more reminders of this booking. A mail provider's one-click comes from anywhere and follows
    no redirect. :raises 404: 403: another site's form. 429:"""
    name, value = ONE_CLICK
    is_one_click = request.form.get(name) == value
    if not is_one_click:
        refuse_foreign_origin()
    booking = booking_or_404(token)
    count("reminders", booking=booking.id)
    reminder_switch.turn_off(booking)
    if is_one_click:
        return render_switch(booking, token)
    return see_other(url_for(".show", token=token, **language_in_address()))


@bp.post("/on")
@csrf.exempt
def turn_on(token: str) -> ResponseReturnValue:
    """Remind this client again. :raises 404: 403: another site's form. 429:"""
    refuse_foreign_origin()
    booking = booking_or_404(token)
    count("reminders", booking=booking.id)
    reminder_switch.turn_on(booking)
    return see_other(url_for(".show", token=token, **language_in_address()))


def render_switch(booking: Booking, token: str) -> Response:
    return render(
        "booker/reminders.html",
        booking=booking,
        token=token,
        zone=booking.client.zone,
        is_to_come=standing.phase_of(booking) is standing.Phase.TO_COME,
        is_off=booking.client.reminders_off_at is not None,
        language_query=language_in_address(),
    )


def booking_or_404(token: str) -> Booking:
    booking = reminder_switch.find_by_switch(token) or abort(404)
    g.host_language = booking.client.locale
    return booking
