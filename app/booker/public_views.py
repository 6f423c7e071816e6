"""The page behind the shared link: days, times, the form. No account, no cookie."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from ..booking_pages.offerings import Offering, PageSnapshot, find, find_live
from ..bookings import openings, service
from ..bookings.models import Booking
from ..bookings.public_month import Shown, look_at, month_values, read_view, zone_values
from ..core.logs import log
from ..db import DATABASE_AWAY, db, read_only
from ..i18n import current_language, language_in_address
from ..i18n import gettext as _
from ..web.extensions import compress, csrf
from ..web.gates import answer_not_now
from ..web.htmx import is_htmx, respond, see_other
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import LimitReached, count, limits, mailbox
from ..web.shown_again import shown_again_by
from .form_pages import render_form, render_lost, render_new_terms
from .forms import BookingForm, FormKey, read_key

bp = Blueprint("public", __name__)
REFUSED: dict[type[Exception], Callable[..., Response]] = {
    service.TermsChanged: render_new_terms
}  # by all else the slot is lost


@bp.get("/b/<slug>")
@compress.compressed()
def show(slug: str) -> ResponseReturnValue:
    """The month, and the times of a day. :raises 404: no such live page."""
    read_only()
    offering = live_offering_or_404(slug)
    shown = look_at(offering, read_view(offering.page))
    draw = current_app.extensions["public_months"]
    return respond(draw(shown, current_language(), request.full_path, is_htmx()), has_part=True)


@bp.record
def keep_drawings(state: BlueprintSetupState) -> None:
    """Let each app keep the months it drew last: one that shows the same again is not drawn anew.

    What is open is computed for every visitor; only words and tags are kept, and by all that
    they depend on, so that nothing kept can be out of date.
    """
    kept = 0 if state.app.debug else 256
    state.app.extensions["public_months"] = lru_cache(kept)(_draw)


def _draw(shown: Shown, _language: str, _address: str, is_part: bool) -> str:
    """The language and the address are read by the templates, from the request."""
    page = shown.offering.page
    return render_template(
        "bookings/_slots.html" if is_part else "booker/public.html",
        is_part=is_part,
        **month_values(shown, url_for(".show", slug=page.slug)),
        **zone_values(page, shown.view.zone),
    )


def live_offering_or_404(slug: str) -> Offering:
    """The live page at this address. One that it had before redirects. :raises 404: 308:"""
    offering = find_live(slug) or abort(404)
    g.host_language = offering.page.host.locale
    if offering.page.slug != slug.lower():
        abort(moved(offering.page.slug))
    return offering


def moved(slug: str) -> BaseResponse:
    """308 to the same view at the page's present slug.

    No cache keeps it: a page may take an earlier slug back, and two kept redirects would send
    the browser in a circle.
    """
    assert request.endpoint is not None
    values = (request.view_args or {}) | {"slug": slug}
    query = request.query_string.decode("latin-1")
    address = url_for(request.endpoint, **values) + (f"?{query}" if query else "")
    response = redirect(address, HTTPStatus.PERMANENT_REDIRECT)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/b/<slug>/<slot:start>")
@compress.compressed()
def form(slug: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot. 409: it is not open any more. :raises 404:"""
    offering = live_offering_or_404(slug)
    details = BookingForm(formdata=None)
    if not openings.is_open(offering, start):
        return render_lost(offering, start, details)
    return render_form(offering.page, start, details)


def draw_form(slug: str, start: datetime) -> ResponseReturnValue:
    """The form as it was sent, with the key it was sent with. :raises 404: no such page."""
    offering = find(slug) or abort(404)
    g.host_language = offering.page.host.locale
    details = BookingForm()
    key = details.key.data
    if offering.is_live and openings.is_open(offering, start):
        read = read_key(offering.page, start, key)
        is_good = read is not None and read.terms in {None, offering.page.terms}
        return render_form(offering.page, start, details, key=key if is_good else None)
    return render_lost(offering, start, details)


@bp.post("/b/<slug>/<slot:start>")
@shown_again_by(draw_form)
@csrf.exempt
def create(slug: str, start: datetime) -> ResponseReturnValue:
    """Book a slot, also by a form that was opened at an earlier slug of the page. 303: booked. 409:
    taken, not offered, or offered in other terms than were shown. 422: form errors. 429: too many.
    503: the database could not save it, and the same form may be sent again. :raises 404:"""
    refuse_foreign_origin()
    # A page that went off under the client's hands keeps what was typed; the key shows that
    # the form was given out while it was live.
    offering = find(slug) or abort(404)
    page = offering.page
    g.host_language = page.host.locale
    details = BookingForm()
    key = read_key(page, start, details.key.data)
    if key is None and not offering.is_live:
        abort(404)
    if earlier := booked_by(page, key):
        return to_booking(earlier)
    try:
        count("form")
        is_valid = details.validate()
        if key is None:
            details.form_errors.append(_("This form was open for too long. Please send it again."))
        if not is_valid or key is None:
            return render_form(page, start, details, status=422)
        booking = book(page, start, details, key)
    except LimitReached as reached:
        details.form_errors.append(reached.words)
        form = render_form(page, start, details, key=details.key.data if key else None)
        return answer_not_now(form, reached)
    except (service.SlotTaken, service.OutsideHours, service.TermsChanged) as refusal:
        render_instead = REFUSED.get(type(refusal), render_lost)
        return render_instead(find(slug) or abort(404), start, details)
    except DATABASE_AWAY as error:
        db.session.rollback()
        log.warning("booking not saved", reason=type(error.orig).__name__)
        details.form_errors.append(
            _(
                "Your booking could not be saved just now. Please send it again in a moment:"
                " it will not be booked twice."
            )
        )
        # It may have been saved after all, its confirmation lost: the same key finds it then.
        return render_form(page, start, details, status=503, key=details.key.data)
    return to_booking(booking)


def book(page: PageSnapshot, start: datetime, details: BookingForm, key: FormKey) -> Booking:
    """Book, unless a limit says no; a lost race counts for nothing. Raises LimitReached, and what
    `service.book` raises."""
    client = details.client(page)
    names = ("book", "meeting") if page.auto_zoom else ("book",)
    with count(*names, client=mailbox(client.email), page=page.id, host=page.user_id):
        return service.book(page, start, client, key.once, key.terms)


@bp.route("/b/<slug>/<slot:start>/details", methods=["GET", "POST"])
@shown_again_by(draw_form)
@csrf.exempt
@limits("form")
def form_again(slug: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot with the details that were typed for another: nothing is booked.

    They come by a POST, since they belong into no address; a GET has none to keep. 409: this
    slot is gone as well. :raises 404:
    """
    if request.method != "POST":
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return see_other(url_for(".form", slug=slug, start=start) + query)
    refuse_foreign_origin()
    offering = live_offering_or_404(slug)
    typed = BookingForm()
    if not openings.is_open(offering, start):
        return render_lost(offering, start, typed)
    return render_form(offering.page, start, typed)


@bp.post("/b/<slug>/<slot:start>/booked")
@csrf.exempt
@limits("form")
def booked(slug: str, start: datetime) -> ResponseReturnValue:
    """To what a form has booked, for one that is looked at again; 204 when it has booked nothing.

    Only the form's own key finds it: neither the slot nor an address shows who has booked.
    :raises 404:
    """
    refuse_foreign_origin()
    page = (find(slug) or abort(404)).page
    earlier = booked_by(page, read_key(page, start, request.form.get("key")))
    return to_booking(earlier) if earlier else Response(status=HTTPStatus.NO_CONTENT)


def booked_by(page: PageSnapshot, key: FormKey | None) -> Booking | None:
    """The booking that the form with this key has made, if it has."""
    return service.find_by_key(page.id, key.once) if key else None


def to_booking(booking: Booking) -> ResponseReturnValue:
    return see_other(url_for("client.show", token=booking.client.token, **language_in_address()))
