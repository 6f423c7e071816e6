"""The client's own page: the link, the calendar, cancelling. The token in the address is the key."""

from datetime import datetime

from flask import Blueprint, Response, abort, g, url_for
from flask.typing import ResponseReturnValue

from ..booking_pages.offerings import offering_of
from ..bookings import followups, openings, reminders, series, service, standing
from ..bookings.joining import join_address
from ..bookings.models import Booking
from ..bookings.reminder_switch import switch_token
from ..bookings.standing import Phase
from ..i18n import gettext as _
from ..i18n import language_in_address
from ..web.extensions import csrf
from ..web.gates import answer_not_now
from ..web.headers import keep_private
from ..web.htmx import is_htmx, render, see_other
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import LimitReached, count
from ..web.shown_again import shown_again_by
from . import calendar_links
from .forms import CancelForm

bp = Blueprint("client", __name__, url_prefix="/booking/<token>")
bp.after_request(keep_private)
bp.add_app_template_global(switch_token)
# The times near the same hour are offered, to be booked again.
AGAIN = (Phase.OVER, Phase.CANCELLED)


@bp.get("")
def show(token: str) -> ResponseReturnValue:
    """What the client holds. :raises 404: no such booking."""
    return render_booking(booking_or_404(token), token)


@bp.get("/meeting")
def meeting(token: str) -> ResponseReturnValue:
    """The booking as it stands: from "creating…" to the link, then from "soon" to "over". The page
    asks for it by itself."""
    return render_booking(booking_or_404(token), token, part="booker/_sheet.html")


def render_booking(booking: Booking, token: str, *, part: str | None = None) -> Response:
    title = _("%(title)s with %(name)s", title=booking.title, name=booking.host.name)
    details = calendar_links.details_of(booking)
    phase = standing.phase_of(booking)
    return render(
        "booker/client.html",
        part,
        booking=booking,
        phase=phase,
        siblings=series.others_of_client(booking),
        told=standing.told_client(booking),
        is_soon=standing.is_soon(booking),
        move=followups.latest_move(booking),
        can_book_again=phase is not Phase.TO_COME and standing.can_book_again(booking),
        about_then=about_then(booking) if phase in AGAIN else [],
        waits=standing.waits_for_meeting(booking),
        is_slow=standing.waits_long(booking),
        ask_every=standing.ask_every(booking),
        checked_at=standing.checked_at(booking),
        reload_every=standing.reload_every(booking),
        join_address=join_address(booking),
        is_part=part is not None and is_htmx(),
        token=token,
        zone=booking.client.zone,
        leads=reminders.ahead(booking, followups.CLIENTS_REMINDER),
        google=calendar_links.google(booking, title, details),
        outlook=calendar_links.outlook(booking, title, details),
        language_query=language_in_address(),
    )


def about_then(booking: Booking) -> list[datetime]:
    """A few open times about the weekday and hour of the booking, for the next one."""
    return openings.open_about(offering_of(booking.page_id), booking.starts_at)


@bp.get("/cancel")
def ask_cancel(token: str) -> ResponseReturnValue:
    """Ask once, as long as it is to come. :raises 404:"""
    booking = booking_or_404(token)
    if standing.phase_of(booking) is not Phase.TO_COME:
        return see_other(url_for(".show", token=token, **language_in_address()))
    return draw_cancel(token, CancelForm(formdata=None))


def draw_cancel(token: str, form: CancelForm | None = None) -> Response:
    """The question, with the words as they were sent. :raises 404:"""
    return render(
        "booker/cancel.html",
        booking=booking_or_404(token),
        token=token,
        form=form or CancelForm(),
        language_query=language_in_address(),
    )


@bp.post("/cancel")
@shown_again_by(draw_cancel)
@csrf.exempt
def cancel(token: str) -> ResponseReturnValue:
    """Cancel the booking; both parties get a mail, the host with the client's words. 409: it is
    over. 422: they are too long. 429: too many forms. :raises 404:

    Who was asked before the start may still answer after it.
    """
    refuse_foreign_origin()
    booking = booking_or_404(token)
    if standing.phase_of(booking) is Phase.OVER:
        response = render_booking(booking, token)
        response.status_code = 409
        return response
    form = CancelForm()
    try:
        count("form")
    except LimitReached as reached:
        form.form_errors.append(reached.words)
        return answer_not_now(draw_cancel(token, form), reached)
    if not form.validate():
        return draw_cancel(token, form), 422
    service.cancel(booking, by="client", words=form.reason.data or None)
    return see_other(url_for(".show", token=token, **language_in_address()))


def booking_or_404(token: str) -> Booking:
    booking = service.find_by_token(token) or abort(404)
    g.host_language = booking.client.locale
    return booking
