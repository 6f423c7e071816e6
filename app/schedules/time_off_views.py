"""Dashboard > Booking pages > Time off: when the host is away."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..core.clock import utcnow
from ..i18n import clock_time, day_in_words
from ..i18n import gettext as _
from ..web.htmx import render, see_other
from ..web.shown_again import shown_again_by
from . import time_off as service
from .models import TimeOff
from .time_off_forms import TimeOffForm

bp = Blueprint("time_off", __name__, url_prefix="/dashboard/time-off")
bp.before_request(hosts_only)


@bp.get("")
def index() -> ResponseReturnValue:
    """What is not over yet, and the form."""
    return render_list(TimeOffForm(host_zone(), formdata=None))


@bp.post("")
@shown_again_by(lambda: render_list(TimeOffForm(host_zone())))
def create() -> ResponseReturnValue:
    """Add time off, in the host's zone. 422: form errors."""
    form = TimeOffForm(host_zone())
    if not form.validate_on_submit():
        return render_list(form, status=422)
    try:
        time_off = service.add(current_host(), *form.span(), form.label.data or "")
    except service.TooMany:
        form.form_errors.append(
            _(
                "You have %(count)d entries of time off ahead already. Delete one, then add this.",
                count=service.MOST_AHEAD,
            )
        )
        return render_list(form, status=422)
    flash(
        _("Added: %(when)s. All your booking pages are closed then.", when=in_words(time_off)),
        "done",
    )
    return see_other(url_for(".index"))


@bp.post("/<int:time_off_id>/delete")
def delete(time_off_id: int) -> ResponseReturnValue:
    """Delete time off. :raises 404: another host's."""
    time_off = service.time_off_of(current_host(), time_off_id) or abort(404)
    words = in_words(time_off)
    service.delete(time_off)
    flash(_("Deleted: %(when)s. Your booking pages follow their hours again.", when=words), "done")
    return see_other(url_for(".index"))


def host_zone() -> ZoneInfo:
    return ZoneInfo(current_host().timezone)


def render_list(form: TimeOffForm, status: int = 200) -> ResponseReturnValue:
    now = utcnow()
    response = render(
        "schedules/time_off.html",
        form=form,
        zone=form.zone,
        now=now,
        absences=[
            (time_off, in_words(time_off), time_off.starts_at <= now)
            for time_off in service.upcoming_of(current_host())
        ],
    )
    response.status_code = status
    return response


def in_words(time_off: TimeOff) -> str:
    """`Thursday 24 December 2026`, `… – …` for several days, with times where they are not whole."""
    zone = host_zone()
    if days := service.whole_days_of(zone, time_off):
        first, last = (day_in_words(day) for day in days)
        return first if first == last else _("%(first)s – %(last)s", first=first, last=last)
    starts_at, ends_at = (at.astimezone(zone) for at in (time_off.starts_at, time_off.ends_at))
    last_day, closes = ends_at.date(), clock_time(ends_at, zone)
    if closes == "00:00":
        last_day, closes = last_day - timedelta(days=1), "24:00"
    first = f"{day_in_words(starts_at.date())} {clock_time(starts_at, zone)}"
    if starts_at.date() == last_day:
        return f"{first}–{closes}"
    return _("%(first)s – %(last)s", first=first, last=f"{day_in_words(last_day)} {closes}")
