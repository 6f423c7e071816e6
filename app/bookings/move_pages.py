"""The pages by which a booking is moved: one picker and one form, for its client and for its host."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import Length

from ..core.text import mailto
from ..db import DATABASE_AWAY, db
from ..events import Actor
from ..i18n import gettext as _
from ..i18n import length_in_words
from ..web.forms import ClientForm, LocalForm, Text
from ..web.gates import answer_not_now
from ..web.htmx import is_htmx, render, see_other
from ..web.rate_limits import LimitReached, count
from . import moving, openings
from .models import Booking
from .moving import Barred
from .public_month import look_at, month_values, read_view, zone_values
from .service import OutsideHours, SlotTaken

LOST = (SlotTaken, OutsideHours)
TOO_LONG = _l("Use a shorter text.")


class ClientMoveForm(ClientForm):
    """The client's words, and the booking's version that they were shown."""

    reason = Text(_l("Message (optional)"), [Length(max=moving.WORDS_LENGTH, message=TOO_LONG)])
    version = HiddenField()


class HostMoveForm(LocalForm):
    """The same from the host."""

    message = Text(_l("Message (optional)"), [Length(max=moving.WORDS_LENGTH, message=TOO_LONG)])
    version = HiddenField()


@dataclass(frozen=True)
class Mover:
    """Who moves which booking, and where their pages are.

    `zone` is the mover's own. `layout` is the template around the pages, `home` the booking's own
    page, `picker` the address below which the slots' are. `address_of` gives a slot's form, or with
    `again=True` what shows a form with words that were typed for another slot.
    """

    booking: Booking
    by: Actor
    zone: ZoneInfo
    layout: str
    home: str
    picker: str
    address_of: Callable[..., str]

    @property
    def is_host(self) -> bool:
        return self.by is Actor.HOST

    def form(self, **more: Any) -> ClientMoveForm | HostMoveForm:
        """The form as it was sent, or empty (`formdata=None`)."""
        return HostMoveForm(**more) if self.is_host else ClientMoveForm(**more)


def words_of(form: ClientMoveForm | HostMoveForm) -> Text:
    """The one field that is typed into."""
    return form.message if isinstance(form, HostMoveForm) else form.reason


def show_picker(mover: Mover) -> ResponseReturnValue:
    """A month of days and a day's times, the present time beside them."""
    if barred := moving.barred_from(mover.booking, mover.by):
        return show_barred(mover, barred)
    offering = moving.offering_for(mover.booking, mover.by)
    shown = look_at(offering, read_view(offering.page, mover.zone.key))
    return render(
        "bookings/move.html",
        "bookings/_slots.html",
        is_part=is_htmx(),
        **common(mover),
        **month_values(shown, mover.picker),
        **zone_values(offering.page, shown.view.zone),
    )


def show_form(
    mover: Mover,
    start: datetime,
    form: ClientMoveForm | HostMoveForm | None = None,
    *,
    status: int = 200,
) -> ResponseReturnValue:
    """Both times, and words to the other party. 409: this time is not offered (any more)."""
    if barred := moving.barred_from(mover.booking, mover.by):
        return show_barred(mover, barred, form)
    form = form or mover.form(formdata=None)
    offering = moving.offering_for(mover.booking, mover.by)
    if not openings.is_open(offering, start):
        return show_lost(mover, start, form)
    view = read_view(offering.page, mover.zone.key)
    response = render(
        "bookings/move_form.html",
        **common(mover),
        view=view,
        zone=view.zone,
        start=start,
        ends_at=start + mover.booking.length,
        form=form,
        words=words_of(form),
        other_terms=terms_changed(mover.booking),
        version=mover.booking.version,
    )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def show_lost(mover: Mover, start: datetime, form: ClientMoveForm | HostMoveForm) -> Response:
    """409: the booking keeps its time, and what was typed goes along to another."""
    offering = moving.offering_for(mover.booking, mover.by)
    view = read_view(offering.page, mover.zone.key)
    response = render(
        "bookings/move_lost.html",
        **common(mover),
        view=view,
        zone=view.zone,
        start=start,
        form=form,
        words=words_of(form),
        nearest=openings.nearest_open(offering, start),
    )
    response.status_code = 409
    response.headers["Cache-Control"] = "no-store"
    return response


def show_barred(
    mover: Mover,
    barred: Barred,
    form: ClientMoveForm | HostMoveForm | None = None,
    *,
    status: int = 200,
) -> ResponseReturnValue:
    """Why it cannot be moved, and whom to ask, with the words that were typed; a booking that is over or
    cancelled says so itself."""
    if barred in {Barred.CANCELLED, Barred.OVER}:
        return see_other(mover.home)
    response = render(
        "bookings/move_barred.html",
        **common(mover),
        barred=barred,
        zone=mover.zone,
        notice=mover.booking.page.change_notice,
        write_to=mailto(mover.booking.host.email),
        words=words_of(form) if form else None,
    )
    response.status_code = status
    return response


def move(mover: Mover, start: datetime) -> ResponseReturnValue:
    """Move the booking by the form that was sent. 303: moved. 409: the time is taken, the booking was
    changed, or cannot be moved any more. 422: form errors. 429: too often. 503: not saved."""
    form = mover.form()
    if not form.validate():
        return show_form(mover, start, form, status=422)
    booking = mover.booking
    if booking.is_live and booking.starts_at == start:
        return see_other(mover.home)  # a second press
    try:
        with count("move", booking=booking.id):
            words = words_of(form).data or ""
            moving.move(booking, start, mover.by, words=words, version=version_in(form))
    except LimitReached as reached:
        form.form_errors.append(reached.words)
        return answer_not_now(make_response(show_form(mover, start, form)), reached)
    except moving.CannotMove as refusal:
        return show_barred(mover, refusal.why, form, status=409)
    except (*LOST, moving.Stale, *DATABASE_AWAY) as error:
        return not_moved(mover, start, form, error)
    return see_other(mover.home)


def not_moved(
    mover: Mover, start: datetime, form: ClientMoveForm | HostMoveForm, error: Exception
) -> ResponseReturnValue:
    """409 or 503, and the form with everything typed."""
    if isinstance(error, LOST):
        return show_lost(mover, start, form)
    if isinstance(error, moving.Stale):
        form.form_errors.append(
            _(
                "This booking was changed a moment ago. Please look at it as it is now, and press"
                " the button once more if it suits you. Nothing is moved yet."
            )
        )
        return show_form(mover, start, form, status=409)
    db.session.rollback()
    form.form_errors.append(
        _("The move could not be saved just now. Please send it again in a moment.")
    )
    return show_form(mover, start, form, status=503)


def version_in(form: ClientMoveForm | HostMoveForm) -> int | None:
    """The booking's version that the form was made from; 0, which is none's, for nonsense. A form that
    says none, as a plain POST may, is not compared."""
    text = str(form.version.data or "")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def terms_changed(booking: Booking) -> list[tuple[str, str, str]]:
    """Label, agreed and present of what the booking's page says otherwise by now."""
    page = booking.page
    pairs = [
        (_("Title"), booking.title, page.title),
        (_("Duration"), length_in_words(booking.duration), length_in_words(page.duration)),
        (_("Location"), booking.location or "–", page.location or "–"),
    ]
    return [pair for pair in pairs if pair[1] != pair[2]]


def common(mover: Mover) -> dict[str, Any]:
    """What each of the pages shows."""
    return {"mover": mover, "booking": mover.booking, "layout": mover.layout}
