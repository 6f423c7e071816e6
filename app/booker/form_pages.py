"""The form for one slot as a page, and what stands in its place when the slot or its terms are not what
they were."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from ..booking_pages.offerings import Offering, PageSnapshot
from ..bookings import openings
from ..bookings.public_month import View, read_view
from ..i18n import gettext as _
from ..i18n.zones import read_zone
from ..web.htmx import render
from .forms import BookingForm, new_key


def render_form(
    page: PageSnapshot,
    start: datetime,
    details: BookingForm,
    *,
    status: int = 200,
    key: str | None = None,
    back: str | None = None,
) -> Response:
    """The form for one slot, with a key of its own unless `key` is to be sent again; `back` leads to
    other times, on the public page unless said otherwise.

    A form that nothing was typed into may be kept by its browser: Back then shows it with the
    key that it was sent with, and the key finds what it has booked.
    """
    view = read_view(page)
    zone = chosen_zone(view, details)
    details.timezone.data = zone.key
    response = render(
        "booker/form.html",
        page=page,
        view=view,
        zone=zone,
        start=start,
        ends_at=start + timedelta(minutes=page.duration),
        form=details,
        key=key or new_key(page, start),
        back=back or back_to_times(page, start, view, zone),
    )
    response.status_code = status
    is_empty = request.method == "GET"
    response.headers["Cache-Control"] = "private, no-cache" if is_empty else "no-store"
    return response


def chosen_zone(view: View, details: BookingForm) -> ZoneInfo:
    """The zone of the form that was sent, else that of the address."""
    sent = read_zone(details.timezone.data)
    return ZoneInfo(sent) if sent else view.zone


def back_to_times(page: PageSnapshot, start: datetime, view: View, zone: ZoneInfo) -> str:
    """The day of `start` on the public page."""
    day = start.astimezone(zone).date()
    tz = {"tz": zone.key} if zone.key != page.timezone else {}
    return url_for("public.show", slug=page.slug) + view.query(
        month=f"{day:%Y-%m}", date=day.isoformat(), **tz
    )


def render_new_terms(offering: Offering, start: datetime, details: BookingForm) -> Response:
    """409: the form with everything typed, in the terms that the page has by now, to be agreed to."""
    if not (offering.is_live and openings.is_open(offering, start)):
        return render_lost(offering, start, details)
    details.form_errors.append(
        _(
            "The host has just changed this page. Please look at the meeting as it is now, and press"
            " the button once more if it suits you. Nothing is booked yet."
        )
    )
    return render_form(offering.page, start, details, status=409)


def render_lost(
    offering: Offering, start: datetime, details: BookingForm, *, back: str | None = None
) -> Response:
    """409: the details are kept, and each near open time leads to its form with them. `back` as for
    `render_form`."""
    page = offering.page
    view = read_view(page)
    zone = chosen_zone(view, details)
    details.timezone.data = zone.key
    nearest = openings.nearest_open(offering, start) if offering.is_live else []
    response = render(
        "booker/lost.html",
        page=page,
        view=view,
        zone=zone,
        start=start,
        form=details,
        nearest=nearest,
        has_details=request.method == "POST" or bool(details.name.data),
        back=back or back_to_times(page, start, view, zone),
    )
    response.status_code = 409
    response.headers["Cache-Control"] = "no-store"
    return response
