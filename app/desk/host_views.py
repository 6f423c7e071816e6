"""The host's Bookings section."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import titles_of
from ..bookings import provision, series, service, standing
from ..bookings.models import Booking
from ..bookings.occasions import label
from ..bookings.remains import is_anothers, left_behind, remains, will_remain
from ..bookings.reminders import is_reminder, reminder_of
from ..bookings.resend import times_sent_again
from ..core.clock import utcnow
from ..events import Actor
from ..i18n import gettext as _
from ..outbox import Refused, Unavailable
from ..web.headers import keep_private
from ..web.htmx import is_htmx, render, see_other
from ..web.shown_again import shown_again_by
from ..zoom import meetings
from ..zoom.meetings import is_of_earlier_account, may_read
from ..zoom.tokens import connection_of
from .filters import PLACE, TABS, Filters, read_filters, read_place
from .finding import find_bookings
from .forms import MessageForm, NoteForm
from .listing import find_own, has_failed_reminder, mail_state, wants_connecting, worst_failure
from .timeline import timeline_of

bp = Blueprint("bookings", __name__, url_prefix="/dashboard/bookings")
bp.before_request(hosts_only)
bp.add_app_template_global(mail_state)
bp.add_app_template_global(wants_connecting)
bp.add_app_template_global(worst_failure)
bp.add_app_template_global(has_failed_reminder)
bp.add_app_template_global(is_reminder)
bp.add_app_template_global(lambda task: reminder_of(task.dedupe_key), "reminder_of")
bp.add_app_template_global(is_anothers)
bp.add_app_template_global(label, "mail_label")


@bp.get("")
def index() -> ResponseReturnValue:
    """Upcoming, past or cancelled bookings, or those with a failure (`?tab=`), searched by client
    or title (`?q=`), of one page (`?page_id=`) and period (`?from=&to=`, days of the host's zone), from
    a place in the list on (`?after=`, `?before=`). 422: a day that cannot be read."""
    host = current_host()
    pages = titles_of(host)
    filters = own_filters(request.args, ZoneInfo(host.timezone), pages)
    after, before = (read_place(request.args.get(name)) for name in ("after", "before"))
    found = find_bookings(host.id, filters, after=after, before=before)
    response = render(
        "desk/index.html",
        "desk/_list.html",
        found=found,
        bookings=found.bookings,
        filters=filters,
        tabs=tab_names(filters.tab),
        pages=pages,
        months=filters.months_around(utcnow().astimezone(filters.zone).date()),
        query=filters.query,
        zone=filters.zone,
        place=place_in_list(),
    )
    response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY if filters.errors else HTTPStatus.OK
    return response


def own_filters(
    sent: Mapping[str, str], zone: ZoneInfo, pages: Sequence[tuple[int, str]]
) -> Filters:
    """The filters of an address; a page that is not the host's is none."""
    filters = read_filters(sent, zone)
    is_own = filters.page_id in {page_id for page_id, _title in pages}
    return filters if is_own else replace(filters, page_id=None)


def place_in_list() -> dict[str, str]:
    """What of this address leads from a booking back to its place in the list."""
    return {name: value for name in PLACE if (value := request.args.get(name))}


def tab_names(chosen: str) -> Sequence[tuple[str, str]]:
    """The tabs to show. Bookings with a failure have one only while they are looked at: the
    dashboard leads there."""
    names = (_("Upcoming"), _("Past"), _("Cancelled"), _("To do"))
    pairs = list(zip(TABS, names, strict=True))
    return pairs if chosen == TABS[-1] else pairs[:-1]


@bp.get("/<public_id>")
def show(public_id: str) -> ResponseReturnValue:
    """One booking, and what became of it. :raises 404: another host's booking."""
    return render("desk/show.html", **details(own_booking_or_404(public_id)))


def details(booking: Booking, note_form: NoteForm | None = None) -> dict[str, Any]:
    """What the booking's page shows; its meeting's live details are asked of Zoom apart. `note_form`:
    the private note as it was sent."""
    # A language's button sends the note, unless another form of the page was sent last.
    g.setdefault("form_address", url_for("marks.keep_note", public_id=booking.public_id))
    return {
        "booking": booking,
        "place": place_in_list(),
        "phase": standing.phase_of(booking),
        "told": standing.told_client(booking),
        "times_again": times_sent_again(booking),
        "zone": booking.host_zone,
        "connection": connection_of(booking.host_id),
        "remains": None if booking.is_live else remains(booking),
        "left_behind": left_behind(booking),
        "is_of_earlier_account": is_of_earlier_account(booking.host_id, booking.zoom_host_id),
        "has_live_meeting": has_live_meeting(booking),
        "is_near": standing.is_near(booking),
        "checked_at": standing.checked_at(booking),
        "has_begun": booking.starts_at <= utcnow(),
        "timeline": timeline_of(booking),
        "siblings": (siblings := series.siblings_of(booking)),
        "remaining": series.remaining(siblings),
        "note_form": note_form or NoteForm(booking, formdata=None),
    }


def has_live_meeting(booking: Booking) -> bool:
    """Whether Zoom can be asked about the meeting, and it is worth it."""
    is_ahead = booking.is_live and not booking.is_past
    meeting = booking.meeting
    is_known = meeting is not None and meeting.external_id is not None
    return is_ahead and is_known and may_read(booking.host_id, of=booking.zoom_host_id)


def zoom_id(booking: Booking) -> int:
    """The number of its meeting at Zoom, where `has_live_meeting` holds."""
    return (booking.meeting.external_id if booking.meeting else None) or 0


@bp.get("/<public_id>/timeline")
def timeline(public_id: str) -> ResponseReturnValue:
    """The timeline as it stands now, with the details: the page's part, or the page with it.
    :raises 404:"""
    booking = own_booking_or_404(public_id)
    return render("desk/show.html", "desk/_timeline.html", is_part=is_htmx(), **details(booking))


@bp.get("/<public_id>/live")
def live(public_id: str) -> ResponseReturnValue:
    """The meeting as Zoom knows it now: the page's part, or the page with it. :raises 404:"""
    booking = own_booking_or_404(public_id)
    meeting, trouble = None, ""
    if has_live_meeting(booking):
        try:
            meeting = meetings.read(booking.host_id, zoom_id(booking), of=booking.zoom_host_id)
        except (Refused, Unavailable) as error:
            trouble = error.reason
    return render(
        "desk/show.html",
        "desk/_live.html",
        **details(booking),
        is_asked=True,
        meeting=meeting,
        trouble=trouble,
    )


@bp.get("/<public_id>/start")
def start(public_id: str) -> ResponseReturnValue:
    """On to Zoom as the meeting's host, by an address that is good for this once. :raises 404:"""
    booking = own_booking_or_404(public_id)
    if not has_live_meeting(booking):
        return see_other(url_for(".show", public_id=public_id))
    try:
        address = meetings.start_url(booking.host_id, zoom_id(booking), of=booking.zoom_host_id)
    except (Refused, Unavailable):
        # The page says what the trouble is.
        return see_other(url_for(".live", public_id=public_id))
    return keep_private(make_response(redirect(address, HTTPStatus.SEE_OTHER)))


@bp.get("/<public_id>/cancel")
def ask_cancel(public_id: str) -> ResponseReturnValue:
    """Ask once. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    if not booking.is_live or booking.is_past:
        return see_other(url_for(".show", public_id=public_id))
    return draw_cancel(public_id, MessageForm(formdata=None))


def draw_cancel(public_id: str, form: MessageForm | None = None) -> ResponseReturnValue:
    """The question, with the message as it was sent. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    return render(
        "desk/cancel_by_host.html",
        booking=booking,
        form=form or MessageForm(),
        zone=booking.host_zone,
        remains=will_remain(booking),
    )


@bp.post("/<public_id>/cancel")
@shown_again_by(draw_cancel)
def cancel(public_id: str) -> ResponseReturnValue:
    """Cancel the booking; both parties get a mail, the client with the host's message. A booking
    that is over stays. 422: the message is too long. :raises 404:"""
    booking = own_booking_or_404(public_id)
    form = MessageForm()
    if booking.is_past:
        flash(_("This booking is over already."), "attention")
    elif not form.validate_on_submit():
        return make_response(draw_cancel(public_id, form), 422)
    else:
        service.cancel(booking, by="host", words=form.words)
        flash(_("The booking is cancelled. You both get an email."), "done")
    return see_other(url_for(".show", public_id=public_id))


@bp.post("/<public_id>/retry/<int:task_id>")
def retry(public_id: str, task_id: int) -> ResponseReturnValue:
    """Try a failed task once more. :raises 404:"""
    booking = own_booking_or_404(public_id)
    task = next((task for task in booking.tasks if task.id == task_id), None) or abort(404)
    provision.retry(booking, task, Actor.HOST)
    flash(_("Trying once more."), "done")
    return see_other(url_for(".show", public_id=public_id))


def own_booking_or_404(public_id: str) -> Booking:
    return find_own(current_host(), public_id) or abort(404)
