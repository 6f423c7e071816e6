"""The client moves their booking. The token in the address is the key."""

from datetime import datetime

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from ..bookings import move_pages
from ..bookings.move_pages import Mover
from ..events import Actor
from ..i18n import language_in_address
from ..web.extensions import csrf
from ..web.headers import keep_private
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import limits
from ..web.shown_again import shown_again_by
from .client_views import booking_or_404

bp = Blueprint("client_move", __name__, url_prefix="/booking/<token>/reschedule")
bp.after_request(keep_private)


def mover_of(token: str) -> Mover:
    """:raises 404: no such booking."""
    booking = booking_or_404(token)

    def address_of(start: datetime, *, again: bool = False) -> str:
        return url_for(".again" if again else ".form", token=token, start=start)

    return Mover(
        booking=booking,
        by=Actor.CLIENT,
        zone=booking.client.zone,
        layout="public.html",
        home=url_for("client.show", token=token, **language_in_address()),
        picker=url_for(".show", token=token),
        address_of=address_of,
    )


@bp.get("")
def show(token: str) -> ResponseReturnValue:
    """Days and times, in the client's zone or in `?tz=`. :raises 404:"""
    return move_pages.show_picker(mover_of(token))


@bp.get("/<slot:start>")
def form(token: str, start: datetime) -> ResponseReturnValue:
    """Both times. 409: it is not open any more. :raises 404:"""
    return move_pages.show_form(mover_of(token), start)


def draw(token: str, start: datetime) -> ResponseReturnValue:
    """The form as it was sent. :raises 404:"""
    mover = mover_of(token)
    return move_pages.show_form(mover, start, mover.form())


@bp.post("/<slot:start>")
@shown_again_by(draw)
@csrf.exempt
@limits("form")
def move(token: str, start: datetime) -> ResponseReturnValue:
    """Move the booking to this slot; see `move_pages.move`. :raises 404:"""
    refuse_foreign_origin()
    return move_pages.move(mover_of(token), start)


@bp.post("/<slot:start>/details")
@shown_again_by(draw)
@csrf.exempt
@limits("form")
def again(token: str, start: datetime) -> ResponseReturnValue:
    """The form for one slot with the words that were typed for another: nothing is moved. :raises 404:"""
    refuse_foreign_origin()
    return draw(token, start)
