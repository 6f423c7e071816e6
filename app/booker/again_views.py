"""Booking again: the picker of the same page from the client's own page, and the form with what is known of
them. The details go from one row into the form, and into no address; the form books as any other does."""

from datetime import datetime

from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue

from ..booking_pages.offerings import Offering, offering_of
from ..bookings import openings
from ..bookings.models import Booking
from ..bookings.public_month import View, look_at, month_values, read_view, zone_values
from ..db import read_only
from ..i18n import language_in_address
from ..web.extensions import compress
from ..web.headers import keep_private
from ..web.htmx import is_htmx, respond, see_other
from .client_views import booking_or_404
from .form_pages import render_form, render_lost
from .forms import BookingForm

bp = Blueprint("again", __name__, url_prefix="/booking/<token>/again")
bp.after_request(keep_private)


@bp.get("")
@compress.compressed()
def show(token: str) -> ResponseReturnValue:
    """The month of the booking's page, in the client's zone. 303: the page takes no bookings any
    more. :raises 404: no such booking."""
    read_only()
    booking = booking_or_404(token)
    offering = _offering_of(booking)
    if offering is None:
        return _back_to_booking(token)
    view = read_view(offering.page, booking.client.timezone)
    html = render_template(
        "bookings/_slots.html" if is_htmx() else "booker/again.html",
        is_part=is_htmx(),
        booking=booking,
        back=url_for("client.show", token=token, **language_in_address()),
        **month_values(look_at(offering, view), url_for(".show", token=token)),
        **zone_values(offering.page, view.zone),
    )
    return respond(html, has_part=True)


@bp.get("/<slot:start>")
@compress.compressed()
def form(token: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot with the client's name and address. 303: as `show`. 409: the slot is not
    open any more. :raises 404: no such booking.

    It is sent to the public page's own address: the same limits, refusals and once-only key.
    """
    booking = booking_or_404(token)
    offering = _offering_of(booking)
    if offering is None:
        return _back_to_booking(token)
    view = read_view(offering.page, booking.client.timezone)
    details = BookingForm(
        formdata=None,
        name=booking.client.name,
        email=booking.client.email,
        timezone=view.zone.key,
    )
    # A language's button sends the form as well, and this address takes none.
    g.form_address = url_for("public.create", slug=offering.page.slug, start=start)
    back = _back_to_times(token, start, view)
    if not openings.is_open(offering, start):
        return render_lost(offering, start, details, back=back)
    return render_form(offering.page, start, details, back=back)


def _offering_of(booking: Booking) -> Offering | None:
    """What the booking's page offers today; None where nothing can be booked."""
    offering = offering_of(booking.page_id)
    return offering if offering.is_live else None


def _back_to_times(token: str, start: datetime, view: View) -> str:
    """The day of `start` in the picker."""
    day = start.astimezone(view.zone).date()
    address = url_for(".show", token=token)
    return address + view.query(month=f"{day:%Y-%m}", date=day.isoformat())


def _back_to_booking(token: str) -> ResponseReturnValue:
    return see_other(url_for("client.show", token=token, **language_in_address()))
