"""Several sessions for one client: the form, what can be had of it, and one press that books all."""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.models import BookingPage
from ..booking_pages.offerings import Offering, offering_of
from ..booking_pages.service import page_of
from ..bookings import series, service
from ..bookings.models import Booking
from ..bookings.series import Session
from ..bookings.service import ByHost, Client
from ..db.once import new_form_key, read_form_key
from ..i18n import clock_time, ngettext, short_day
from ..i18n import gettext as _
from ..web.gates import answer_not_now
from ..web.htmx import render, see_other
from ..web.rate_limits import LimitReached
from ..web.shown_again import shown_again_by
from .forms import MessageForm
from .host_views import own_booking_or_404
from .rebook_views import book_for_client, client_of
from .series_forms import SeriesForm, local, offered

PURPOSE = "series-form"

bp = Blueprint("series", __name__, url_prefix="/dashboard")
bp.before_request(hosts_only)


@bp.get("/pages/<int:page_id>/series")
def new(page_id: int) -> ResponseReturnValue:
    """The form for a client of one's own. :raises 404: another host's page."""
    page, host = page_or_404(page_id), current_host()
    client = Client("", "", "", host.timezone, host.locale)
    form = SeriesForm(ZoneInfo(host.timezone), formdata=None, data=offered(client))
    return render_form(page, form)


@bp.get("/bookings/<public_id>/series")
def go_on(public_id: str) -> ResponseReturnValue:
    """The same with the client of a booking, from a week after it on. :raises 404: another host's."""
    booking = own_booking_or_404(public_id)
    following = local(booking.starts_at + timedelta(days=7), booking.host_zone)
    data = offered(client_of(booking)) | following
    form = SeriesForm(booking.host_zone, formdata=None, data=data)
    return render_form(booking.page, form, booking)


def draw(page_id: int) -> Response:
    """The form as it was sent. :raises 404: another host's page."""
    return render_form(page_or_404(page_id), sent_form())


def draw_go_on(public_id: str) -> Response:
    """The same for the client of a booking. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    return render_form(booking.page, sent_form(), booking)


@bp.post("/pages/<int:page_id>/series")
@shown_again_by(draw)
def create(page_id: int) -> ResponseReturnValue:
    """See `answer`. :raises 404: another host's page."""
    return answer(page_or_404(page_id), None)


@bp.post("/bookings/<public_id>/series")
@shown_again_by(draw_go_on)
def create_more(public_id: str) -> ResponseReturnValue:
    """See `answer`. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    return answer(booking.page, booking)


def answer(page: BookingPage, origin: Booking | None) -> ResponseReturnValue:
    """Show what can be had, or, with `step=book` and the key of that preview, book it: each by
    itself and once, however often it is pressed. 303: booked, in words which were not. 409: none can
    be had. 422: form errors. 429: too many."""
    form = sent_form()
    if request.form.get("step") == "edit":
        return render_form(page, form, origin)
    if not form.validate_on_submit():
        return render_form(page, form, origin, 422)
    if page.archived_at is not None:
        return render_form(page, form, origin, 409)
    offering = offering_of(page.id)
    walls, zone = form.times(ZoneInfo(page.timezone))
    sessions = series.look_at(offering, walls, zone)
    once = read_form_key(PURPOSE, form.form_key.data, page.id, page.user_id)
    if request.form.get("step") != "book" or once is None:
        return render_preview(page, form, origin, sessions)
    made, left, reached = book_all(offering, form, sessions, once)
    if not made:
        form.form_errors += [reached.words] if reached else []
        preview = render_preview(page, form, origin, sessions, status=409, key=form.form_key.data)
        return answer_not_now(preview, reached) if reached else preview
    flash(
        ngettext("%(num)d session is booked.", "%(num)d sessions are booked.", len(made)),
        "done",
    )
    if left:
        times = _(", ").join(in_words(session, form.zone) for session in left)
        words = _("Not booked: %(times)s", times=times)
        flash(f"{words} {reached.words}" if reached else words, "attention")
    return see_other(url_for("bookings.show", public_id=made[0].public_id))


def book_all(
    offering: Offering, form: SeriesForm, sessions: Sequence[Session], once: str
) -> tuple[list[Booking], list[Session], LimitReached | None]:
    """Book what can be had, each in a transaction of its own; what the key has booked already is
    found again. The bookings, the sessions that were not booked, and the limit that stopped it."""
    page, client = offering.page, form.client()
    earlier = series.booked_by(page.id, once)
    by_host = ByHost(series_id=once, outside_hours=True)
    made: list[Booking] = []
    left: list[Session] = []
    reached: LimitReached | None = None
    for session in sessions:
        key = series.key_of(once, session.start)
        if key in earlier:
            made.append(earlier[key])
        elif reached or not session.can_be_had(outside_hours=form.outside_hours.data):
            left.append(session)
        else:
            try:
                made.append(book_for_client(page, session.start, client, key, "", by_host))
            except (service.SlotTaken, service.OutsideHours):
                left.append(session)
            except LimitReached as limit:
                reached = limit
                left.append(session)
    return made, left, reached


def in_words(session: Session, zone: ZoneInfo) -> str:
    return f"{short_day(session.start.astimezone(zone).date())} {clock_time(session.start, zone)}"


def sent_form() -> SeriesForm:
    return SeriesForm(ZoneInfo(current_host().timezone))


def page_or_404(page_id: int) -> BookingPage:
    return page_of(current_host(), page_id) or abort(404)


def address_of(page: BookingPage, origin: Booking | None) -> str:
    if origin is None:
        return url_for("series.create", page_id=page.id)
    return url_for("series.create_more", public_id=origin.public_id)


def render_form(
    page: BookingPage, form: SeriesForm, origin: Booking | None = None, status: int = 200
) -> Response:
    response = render(
        "desk/series.html",
        page=page,
        form=form,
        origin=origin,
        zone=form.zone,
        address=address_of(page, origin),
    )
    response.status_code = status
    return response


def render_preview(
    page: BookingPage,
    form: SeriesForm,
    origin: Booking | None,
    sessions: Sequence[Session],
    *,
    status: int = 200,
    key: str | None = None,
) -> Response:
    """What can be had, with a key of its own unless `key` is to be sent again."""
    is_outside = [one for one in sessions if one.obstacle is series.Obstacle.OUTSIDE_HOURS]
    response = render(
        "desk/series_preview.html",
        page=page,
        form=form,
        origin=origin,
        zone=form.zone,
        client_zone=ZoneInfo(form.timezone.data),
        length=timedelta(minutes=page.duration),
        sessions=sessions,
        free=sum(one.obstacle is None for one in sessions),
        outside=len(is_outside),
        address=address_of(page, origin),
        key=key or new_form_key(PURPOSE, page.id, page.user_id),
    )
    response.status_code = status
    return response


@bp.get("/bookings/<public_id>/cancel-series")
def ask_cancel(public_id: str) -> ResponseReturnValue:
    """Ask once about all that remain. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    if not series.remaining(series.siblings_of(booking)):
        return see_other(url_for("bookings.show", public_id=public_id))
    return draw_cancel(public_id, MessageForm(formdata=None))


def draw_cancel(public_id: str, form: MessageForm | None = None) -> Response:
    """The question, with the message as it was sent. :raises 404:"""
    booking = own_booking_or_404(public_id)
    return render(
        "desk/cancel_series.html",
        booking=booking,
        remaining=series.remaining(series.siblings_of(booking)),
        form=form or MessageForm(),
        zone=booking.host_zone,
    )


@bp.post("/bookings/<public_id>/cancel-series")
@shown_again_by(draw_cancel)
def cancel(public_id: str) -> ResponseReturnValue:
    """Cancel all that remain, with one message. 422: it is too long. :raises 404:"""
    booking = own_booking_or_404(public_id)
    form = MessageForm()
    if not form.validate_on_submit():
        response = draw_cancel(public_id, form)
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response
    number = series.cancel_remaining(booking, form.words)
    flash(
        ngettext("%(num)d session is cancelled.", "%(num)d sessions are cancelled.", number),
        "done",
    )
    return see_other(url_for("bookings.show", public_id=public_id))
