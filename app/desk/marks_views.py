"""The host's private note on a booking, and the mark that its client did not come."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import hosts_only
from ..bookings import marks
from ..i18n import gettext as _
from ..web.htmx import render, see_other
from ..web.shown_again import shown_again_by
from .forms import NoteForm
from .host_views import details, own_booking_or_404

bp = Blueprint("marks", __name__, url_prefix="/dashboard/bookings/<public_id>")
bp.before_request(hosts_only)


def draw(public_id: str) -> Response:
    """The booking's page with the note as it was sent. :raises 404: another host's booking."""
    booking = own_booking_or_404(public_id)
    return render("desk/show.html", **details(booking, NoteForm(booking)))


@bp.post("/note")
@shown_again_by(draw)
def keep_note(public_id: str) -> ResponseReturnValue:
    """Keep the private note. 409: it was changed since the form was shown. 422: it is too long.
    :raises 404:"""
    booking = own_booking_or_404(public_id)
    form = NoteForm(booking)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    saved = None
    if form.validate_on_submit():
        try:
            marks.keep_note(booking, form.private_note.data or "", form.version_sent)
        except marks.NoteChanged:
            form.version.data = marks.note_version(booking)
            saved, status = booking.private_note or "", HTTPStatus.CONFLICT
        else:
            flash(_("Saved."), "done")
            return see_other(url_for("bookings.show", public_id=public_id))
    response = render("desk/show.html", saved_note=saved, **details(booking, form))
    response.status_code = status
    return response


@bp.post("/no-show")
def no_show(public_id: str) -> ResponseReturnValue:
    """Mark that the client did not come (`is_no_show=1`), or take that back (`0`). Nobody is told.
    :raises 404: :raises 400: neither of the two."""
    booking = own_booking_or_404(public_id)
    wish = {"1": True, "0": False}.get(request.form.get("is_no_show", ""))
    if wish is None:
        abort(HTTPStatus.BAD_REQUEST)
    try:
        marks.mark_no_show(booking, wish)
    except marks.NotYet:
        flash(_("This can be marked once the booking has begun."), "attention")
    else:
        flash(_("Marked as a no-show.") if wish else _("The mark is taken back."), "done")
    return see_other(url_for("bookings.show", public_id=public_id))
