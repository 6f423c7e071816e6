"""The host's Bookings section."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..bookings import provision, series, service, standing
from ..bookings.models import Booking
from ..bookings.occasions import label
from ..bookings.remains import is_anothers, remains, will_remain
from ..bookings.resend import times_sent_again
from ..core import text
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
from .forms import MessageForm, NoteForm
from .listing import TABS, find_bookings, find_own, mail_state, wants_connecting, worst_failure
from .timeline import timeline_of

MOST_SEARCHED = 100  # characters

bp = Blueprint("bookings", __name__, url_prefix="/dashboard/bookings")
bp.before_request(hosts_only)
bp.add_app_template_global(mail_state)
bp.add_app_template_global(wants_connecting)
bp.add_app_template_global(worst_failure)
bp.add_app_template_global(is_anothers)
bp.add_app_template_global(label, "mail_label")


@bp.get("")
def index() -> ResponseReturnValue:
    """Upcoming, past or cancelled bookings, or those with a failure (`?tab=`), searched by client
    or page (`?q=`)."""
    tab = request.args.get("tab", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    query = text.line(request.args.get("q"), MOST_SEARCHED)[:MOST_SEARCHED]
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
    bookings, has_more = find_bookings(current_host(), tab, query, page)
    return render(
        "desk/index.html",
        "desk/_list.html",
        bookings=bookings,
        tab=tab,
        tabs=tab_names(tab),
        query=query,
        zone=ZoneInfo(current_host().timezone),
        page_number=page,
        has_more=has_more,
    )


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
        "phase": standing.phase_of(booking),
        "told": standing.told_client(booking),
        "times_again": times_sent_again(booking),
        "zone": booking.host_zone,
        "connection": connection_of(booking.host_id),
        "remains": None if booking.is_live else remains(booking),
        "is_of_earlier_account": is_of_earlier_account(booking.host_id, booking.zoom_host_id),
        "has_live_meeting": has_live_meeting(booking),
        "is_near": standing.is_near(booking),
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
