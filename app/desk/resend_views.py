"""What a host does when a mail did not reach the client: correct the address, or send it again."""

from flask import Blueprint, Response, flash, g, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import hosts_only
from ..bookings import resend
from ..i18n import gettext as _
from ..web.htmx import render, see_other
from ..web.rate_limits import limits
from ..web.shown_again import shown_again_by
from .host_views import details, own_booking_or_404
from .resend_forms import AddressForm

bp = Blueprint("resend", __name__, url_prefix="/dashboard/bookings/<public_id>")
bp.before_request(hosts_only)


def draw(public_id: str, form: AddressForm | None = None) -> Response:
    """The booking's page with the form as it was sent. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    g.setdefault("form_address", url_for(".correct", public_id=public_id))
    return render("desk/show.html", **details(booking), address_form=form or AddressForm())


@bp.post("/client-address")
@shown_again_by(draw)
@limits("form")
def correct(public_id: str) -> ResponseReturnValue:
    """Correct the client's address and mail there. 422: not an address. :raises 404:"""
    booking = own_booking_or_404(public_id)
    form = AddressForm()
    if not form.validate_on_submit():
        return draw(public_id, form), 422
    try:
        is_new = resend.correct_address(booking, form.email.data)
    except resend.NothingToSend:
        flash(_("This booking is over already."), "attention")
    else:
        words = _("The address is corrected, and the email is on its way there.")
        flash(words if is_new else _("This is the client's address already."), "done")
    return see_other(url_for("bookings.show", public_id=public_id))


@bp.post("/resend")
@limits("form")
def again(public_id: str) -> ResponseReturnValue:
    """Mail the client once more. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    try:
        resend.send_again(booking, AddressForm().times)
    except resend.NothingToSend:
        flash(_("This booking is over already."), "attention")
    else:
        flash(_("The email is on its way to the client."), "done")
    return see_other(url_for("bookings.show", public_id=public_id))
