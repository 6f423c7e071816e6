"""The page behind the shared link: days, times, the form. No account, no cookie."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, g, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter, ValidationError

from ..booking_pages.forms import zone_choices
from ..booking_pages.offers import Facts, Offer, find, find_live
from ..clock import utcnow
from ..extensions import DATABASE_AWAY, compress, csrf, db, limiter, read_only
from ..i18n import current_language, is_timezone, language_in_address
from ..i18n import gettext as _
from ..logs import log
from ..web import is_htmx, refuse_foreign_origin, render, respond, see_other
from . import openings, service
from .forms import BookingForm, new_key, read_key
from .month import halves_of, weeks_of

bp = Blueprint("public", __name__)

SLOT_FORM = "%Y%m%dT%H%M%SZ"
# A city for most offsets people live in; the whole list is one link away.
USUAL_ZONES = (
    "Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei",
    "Asia/Singapore", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Jakarta", "Asia/Manila",
    "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney", "Australia/Perth", "Pacific/Auckland",
    "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/Helsinki",
    "Europe/Istanbul", "Africa/Johannesburg", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Pacific/Honolulu", "UTC",
)  # fmt: skip


class SlotConverter(BaseConverter):
    """`20261201T003000Z` in an address: a start in UTC, to the second."""

    regex = r"\d{8}T\d{6}Z"
    part_isolating = True

    def to_python(self, value: str) -> datetime:
        try:
            return datetime.strptime(value, SLOT_FORM).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError from error

    def to_url(self, value: datetime) -> str:
        return f"{value.astimezone(UTC):{SLOT_FORM}}"


class View(NamedTuple):
    """What a visitor looks at: a zone, a month, perhaps a day, and what else they asked for by
    address: `tz` and `lang` go along into the next one."""

    zone: ZoneInfo
    month: date
    day: date | None
    extra: tuple[tuple[str, str], ...]

    def query(self, **changes: str) -> str:
        """`?month=…&date=…` of a neighbouring view, with what the visitor has chosen so far."""
        return "?" + urlencode(dict(self.extra) | changes)


class Shown(NamedTuple):
    """All that the drawing of a month depends on, besides the language and the address."""

    offer: Offer
    view: View
    today: date
    counts: tuple[tuple[date, int], ...]  # of open starts, by the client's local day
    day: date | None
    starts: tuple[datetime, ...]  # those of `day`
    next_open: date | None


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
        **month_values(shown, url_for(".show", slug=page.slug)),
        **zone_values(page, shown.view.zone),
    )


def look_at(offer: Offer, view: View) -> Shown:
    """What the page offers in the view's month, right now."""
    days = openings.open_days(offer, view.month, view.zone)
    day = view.day if view.day in days else min(days, default=None)
    return Shown(
        offer,
        view,
        today=utcnow().astimezone(view.zone).date(),
        counts=tuple((day, len(starts)) for day, starts in days.items()),
        day=day,
        starts=tuple(days[day]) if day else (),
        next_open=None if day else openings.next_open_day(offer, view.month, view.zone),
    )


def month_values(shown: Shown, address: str) -> dict[str, object]:
    """The month's table and the times of its chosen day; `address` is where its links lead."""
    view, page = shown.view, shown.offer.page
    notes = shown.offer.holidays_in_month(view.month, current_language())
    return {
        "page": page,
        "view": view,
        "address": address,
        "weeks": weeks_of(
            view.month, dict(shown.counts), today=shown.today, chosen=shown.day, notes=notes
        ),
        "notes": sorted(notes.items()),
        "day": shown.day,
        "halves": halves_of(shown.starts, view.zone),
        "next_open": shown.next_open,
        "neighbours": neighbouring_months(page, view, shown.today),
        # The zone is named with the offset it has on the day that is shown.
        "day_instant": shown.starts[0] if shown.starts else noon_of(shown.today, view.zone),
    }


def noon_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone)


def live_offer_or_404(slug: str) -> Offer:
    offer = find_live(slug) or abort(404)
    g.host_language = offer.page.host.locale
    return offer


def read_view(page: Facts) -> View:
    """The visitor's wishes from the address; what makes no sense falls back to the present."""
    asked = request.args.get("tz")
    zone = ZoneInfo(asked if asked and is_timezone(asked) else page.timezone)
    day = _read_date(request.args.get("date", ""))
    month = _read_date(request.args.get("month", "") + "-01")
    extra = tuple(
        (name, value)
        for name in ("tz", "lang")
        if (value := request.args.get(name)) and value != page.timezone
    )
    today = utcnow().astimezone(zone).date()
    return View(zone, (month or day or today).replace(day=1), day, extra)


def _read_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Beyond these a zone's offset could carry an instant out of datetime's range.
    return day if 1970 <= day.year <= 9000 else None


def neighbouring_months(page: Facts, view: View, today: date) -> tuple[date | None, date | None]:
    """The months before and after, where they can hold anything bookable."""
    before = (view.month - timedelta(days=1)).replace(day=1)
    after = (view.month + timedelta(days=32)).replace(day=1)
    last = today + timedelta(days=page.horizon_days + 1) if page.horizon_days else None
    return (
        before if before >= today.replace(day=1) else None,
        after if last is None or after <= last else None,
    )


def zone_values(page: Facts, zone: ZoneInfo) -> dict[str, object]:
    """The zone and the zones to choose from: the usual ones, or all with `?zones=all`."""
    everything = request.args.get("zones") == "all"
    usual = dict.fromkeys((zone.key, page.timezone, *USUAL_ZONES))
    return {
        "zone": zone,
        "zones": zone_choices(zone.key) if everything else list(usual),
        "shows_all_zones": everything,
    }


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
    sent = details.timezone.data
    return ZoneInfo(sent) if is_timezone(sent) else view.zone


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
