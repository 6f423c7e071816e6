"""Booking the same client again: the host picks a time on the client's page, and confirms it."""

from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, flash, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.offerings import PageSnapshot, offering_of
from ..bookings import service
from ..bookings.models import Booking
from ..bookings.openings import for_host, is_open, nearest_open
from ..bookings.public_month import look_at, month_values, read_view
from ..bookings.service import ByHost, Client
from ..db.once import new_form_key, read_kept
from ..i18n import gettext as _
from ..web.gates import answer_not_now
from ..web.htmx import render, see_other
from ..web.rate_limits import LimitReached, count
from ..web.shown_again import shown_again_by
from .forms import RebookForm
from .host_views import own_booking_or_404

PURPOSE = "rebook-form"

bp = Blueprint("rebook", __name__, url_prefix="/dashboard/bookings/<public_id>/rebook")
bp.before_request(hosts_only)


@bp.get("")
def pick(public_id: str) -> ResponseReturnValue:
    """The times that the page offers its host, on the host's clock. :raises 404: another host's."""
    booking = own_booking_or_404(public_id)
    offering = for_host(offering_of(booking.page_id))
    view = read_view(offering.page._replace(timezone=current_host().timezone))
    return render(
        "desk/rebook.html",
        "bookings/_slots.html",
        booking=booking,
        zone=view.zone,
        **month_values(look_at(offering, view), url_for(".pick", public_id=public_id)),
    )


def draw_confirm(public_id: str, start: datetime) -> Response:
    """The question about one time, with the message as it was sent. :raises 404:"""
    return render_confirm(own_booking_or_404(public_id), start, RebookForm())


@bp.route("/<slot:start>", methods=["GET", "POST"])
@shown_again_by(draw_confirm)
def confirm(public_id: str, start: datetime) -> ResponseReturnValue:
    """Ask once about one time; a POST brings along the message that was typed for another, and books
    nothing. 409: it cannot be had, and near ones are offered. :raises 404:"""
    return draw_confirm(public_id, start)


def draw(public_id: str) -> Response:
    """The same from the form that books. :raises 404:"""
    form = RebookForm()
    start = form.starts_at
    if start is None:
        abort(HTTPStatus.BAD_REQUEST)
    return render_confirm(own_booking_or_404(public_id), start, form, key=form.form_key.data)


@bp.post("")
@shown_again_by(draw)
def create(public_id: str) -> ResponseReturnValue:
    """Book the same client at `start`, in the page's present terms. 303: booked, once for each key.
    409: taken, not offered, or offered in other terms than were shown. 422: form errors. 429: too
    many. :raises 404: :raises 400: no time was picked."""
    booking = own_booking_or_404(public_id)
    form = RebookForm()
    start = form.starts_at or abort(HTTPStatus.BAD_REQUEST)
    key = read_kept(PURPOSE, form.form_key.data, public_id)
    if key and (earlier := service.find_by_key(booking.page_id, key[0])):
        return to_booking(earlier)
    is_valid = form.validate_on_submit()
    if key is None:
        form.form_errors.append(_("This form was open for too long. Please send it again."))
    if not is_valid or key is None:
        sent_key = form.form_key.data if key else None
        return render_confirm(booking, start, form, 422, key=sent_key)
    page = offering_of(booking.page_id).page
    try:
        made = book_for_client(page, start, client_of(booking), *key, ByHost(form.words))
    except LimitReached as reached:
        form.form_errors.append(reached.words)
        again = render_confirm(booking, start, form, key=form.form_key.data)
        return answer_not_now(again, reached)
    except service.TermsChanged:
        form.form_errors.append(
            _("The booking page has changed meanwhile. Look at the meeting as it is now.")
        )
        return render_confirm(booking, start, form, 409)
    except (service.SlotTaken, service.OutsideHours):
        return render_confirm(booking, start, form)
    flash(_("Booked. %(name)s gets an email.", name=made.client.name), "done")
    return to_booking(made)


def book_for_client(  # noqa: PLR0917
    page: PageSnapshot, start: datetime, client: Client, once: str, terms: str, by_host: ByHost
) -> Booking:
    """Book by the host, unless a limit says no. Raises LimitReached, and what `service.book` raises."""
    names = ("book for a client", "meeting") if page.auto_zoom else ("book for a client",)
    with count(*names, host=page.user_id):
        return service.book(page, start, client, once, terms or None, by_host=by_host)


def client_of(booking: Booking) -> Client:
    """Who came, as who comes again: in their language and zone."""
    client = booking.client
    return Client(client.name, client.email, "", client.timezone, client.locale)


def render_confirm(
    booking: Booking, start: datetime, form: RebookForm, status: int = 200, key: str | None = None
) -> Response:
    """The question, with a key of its own unless `key` is to be sent again; 409 and near times where
    this one cannot be had."""
    offering = offering_of(booking.page_id)
    page = offering.page
    is_there = page.archived_at is None
    is_free = is_there and is_open(for_host(offering), start)
    response = render(
        "desk/rebook_confirm.html",
        booking=booking,
        page=page,
        start=start,
        ends_at=start + timedelta(minutes=page.duration),
        zone=booking.host_zone,
        is_free=is_free,
        nearest=nearest_open(for_host(offering), start) if is_there and not is_free else [],
        form=form,
        key=key or new_form_key(PURPOSE, booking.public_id, kept=page.terms),
    )
    response.status_code = status if is_free else HTTPStatus.CONFLICT
    return response


def to_booking(booking: Booking) -> ResponseReturnValue:
    return see_other(url_for("bookings.show", public_id=booking.public_id))
