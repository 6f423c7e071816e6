"""The host moves a booking."""

from datetime import datetime

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import hosts_only
from ..bookings import move_pages
from ..bookings.move_pages import Mover
from ..events import Actor
from ..i18n import gettext as _
from ..web.headers import keep_private
from ..web.rate_limits import limits
from ..web.shown_again import shown_again_by
from .host_views import own_booking_or_404

bp = Blueprint("host_move", __name__, url_prefix="/dashboard/bookings/<public_id>/reschedule")
bp.before_request(hosts_only)
bp.after_request(keep_private)


def mover_of(public_id: str) -> Mover:
    """:raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)

    def address_of(start: datetime, *, again: bool = False) -> str:
        return url_for(".again" if again else ".form", public_id=public_id, start=start)

    return Mover(
        booking=booking,
        by=Actor.HOST,
        zone=booking.host_zone,
        layout="base.html",
        home=url_for("bookings.show", public_id=public_id),
        picker=url_for(".show", public_id=public_id),
        address_of=address_of,
    )


@bp.get("")
def show(public_id: str) -> ResponseReturnValue:
    """Days and times in the host's zone, without the rules that only bind clients. :raises 404:"""
    return move_pages.show_picker(mover_of(public_id))


@bp.get("/<slot:start>")
def form(public_id: str, start: datetime) -> ResponseReturnValue:
    """Both times. 409: it is not open any more. :raises 404:"""
    return move_pages.show_form(mover_of(public_id), start)


def draw(public_id: str, start: datetime) -> ResponseReturnValue:
    """The form as it was sent. :raises 404:"""
    mover = mover_of(public_id)
    return move_pages.show_form(mover, start, mover.form())


@bp.post("/<slot:start>")
@shown_again_by(draw)
@limits("form")
def move(public_id: str, start: datetime) -> ResponseReturnValue:
    """Move the booking to this slot; see `move_pages.move`. :raises 404:"""
    mover = mover_of(public_id)
    former = mover.booking.starts_at
    answer = move_pages.move(mover, start)
    if former != mover.booking.starts_at == start:  # others may have moved it at the same moment
        flash(_("The booking is moved. You both get an email."), "done")
    return answer


@bp.post("/<slot:start>/details")
@shown_again_by(draw)
@limits("form")
def again(public_id: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot with the words that were typed for another: nothing is moved. :raises 404:"""
    return draw(public_id, start)
