"""The page behind the shared link: days, times, the form. No account, no cookie."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, g, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter, ValidationError

from ..booking_pages.offers import Facts, Offer, find, find_live
from ..extensions import DATABASE_AWAY, compress, csrf, db, limiter, read_only
from ..i18n import current_language, language_in_address
from ..i18n import gettext as _
from ..logs import log
from ..web import is_htmx, refuse_foreign_origin, render, respond, see_other
from ..zones import read_zone
from . import openings, service
from .forms import BookingForm, new_key, read_key
from .public_month import Shown, View, is_drawable, look_at, month_values, read_view, zone_values

bp = Blueprint("public", __name__)

SLOT_FORM = "%Y%m%dT%H%M%SZ"


class SlotConverter(BaseConverter):
    """`20261201T003000Z` in an address: a start in UTC, to the second."""

    regex = r"\d{8}T\d{6}Z"
    part_isolating = True

    def to_python(self, value: str) -> datetime:
        try:
            start = datetime.strptime(value, SLOT_FORM).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError from error
        if not is_drawable(start):
            raise ValidationError
        return start

    def to_url(self, value: datetime) -> str:
        return f"{value.astimezone(UTC):{SLOT_FORM}}"


@bp.get("/b/<slug>")
@compress.compressed()
def show(slug: str) -> ResponseReturnValue:
    """The month, and the times of a day. :raises 404: no such live page."""
    read_only()
    offer = live_offer_or_404(slug)
    shown = look_at(offer, read_view(offer.page))
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
    page = shown.offer.page
    return render_template(
        "bookings/_slots.html" if is_part else "bookings/public.html",
        is_part=is_part,
        **month_values(shown, url_for(".show", slug=page.slug)),
        **zone_values(page, shown.view.zone),
    )


def live_offer_or_404(slug: str) -> Offer:
    offer = find_live(slug) or abort(404)
    g.host_language = offer.page.host.locale
    return offer


@bp.get("/b/<slug>/<slot:start>")
@compress.compressed()
def form(slug: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot. 409: it is not open any more. :raises 404:"""
    offer = live_offer_or_404(slug)
    details = BookingForm(formdata=None)
    if not openings.is_open(offer, start):
        return render_lost(offer, start, details)
    return render_form(offer.page, start, details)


@bp.post("/b/<slug>/<slot:start>")
@csrf.exempt
@limiter.limit("60/hour")
def create(slug: str, start: datetime) -> ResponseReturnValue:
    """Book a slot. 303: booked. 409: taken or not offered. 422: form errors. 503: the database
    could not save it, and the same form may be sent again. :raises 404:"""
    refuse_foreign_origin()
    # A page that went off under the client's hands keeps what was typed; the key shows that
    # the form was given out while it was live.
    offer = find(slug) or abort(404)
    page = offer.page
    g.host_language = page.host.locale
    details = BookingForm()
    key = read_key(page, start, details.key.data)
    if key is None and not offer.is_live:
        abort(404)
    is_valid = details.validate()
    if key is None:
        details.form_errors.append(_("This form was open for too long. Please send it again."))
    if not is_valid or key is None:
        return render_form(page, start, details, status=422)
    try:
        booking = service.book(page, start, details.client(page), key)
    except (service.SlotTaken, service.OutsideHours):
        return render_lost(offer, start, details)
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
    return see_other(url_for("client.show", token=booking.token, **language_in_address()))


def render_form(
    page: Facts,
    start: datetime,
    details: BookingForm,
    *,
    status: int = 200,
    key: str | None = None,
) -> ResponseReturnValue:
    """The form for one slot, with a key of its own unless `key` is to be sent again."""
    view = read_view(page)
    zone = chosen_zone(view, details)
    details.timezone.data = zone.key
    response = render(
        "bookings/form.html",
        page=page,
        view=view,
        zone=zone,
        start=start,
        ends_at=start + timedelta(minutes=page.duration),
        form=details,
        key=key or new_key(page, start),
        back=back_to_times(page, start, view, zone),
    )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def chosen_zone(view: View, details: BookingForm) -> ZoneInfo:
    """The zone of the form that was sent, else that of the address."""
    sent = read_zone(details.timezone.data)
    return ZoneInfo(sent) if sent else view.zone


def back_to_times(page: Facts, start: datetime, view: View, zone: ZoneInfo) -> str:
    """The day of `start` on the public page."""
    day = start.astimezone(zone).date()
    tz = {"tz": zone.key} if zone.key != page.timezone else {}
    return url_for(".show", slug=page.slug) + view.query(
        month=f"{day:%Y-%m}", date=day.isoformat(), **tz
    )


def render_lost(offer: Offer, start: datetime, details: BookingForm) -> ResponseReturnValue:
    """409: the details are kept, and each near open time is a button that books it."""
    page = offer.page
    view = read_view(page)
    zone = chosen_zone(view, details)
    details.timezone.data = zone.key
    nearest = openings.nearest_open(offer, start) if offer.is_live else []
    response = render(
        "bookings/lost.html",
        page=page,
        view=view,
        zone=zone,
        start=start,
        form=details,
        nearest=[(near, new_key(page, near)) for near in nearest],
        has_details=request.method == "POST",
        back=back_to_times(page, start, view, zone),
    )
    response.status_code = 409
    response.headers["Cache-Control"] = "no-store"
    return response
