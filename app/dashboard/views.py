"""The landing page, and the host's first page: today, what needs attention, the pages."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import pages_of
from ..bookings.listing import need_attention, soonest
from ..clock import utcnow
from ..web import render, see_other
from ..zoom.tokens import connection_of

bp = Blueprint("dashboard", __name__)
SOON = timedelta(days=7)
MOST_FAILURES = 5  # the Bookings section has them all


@bp.get("/")
def landing() -> ResponseReturnValue:
    """What CalSync is, for strangers; hosts go on to their dashboard."""
    if current_user.is_authenticated:
        return see_other(url_for(".show"))
    return render("dashboard/landing.html")


@bp.get("/dashboard")
def show() -> ResponseReturnValue:
    """The host's first page."""
    if turned_away := hosts_only():
        return turned_away
    host = current_host()
    pages = pages_of(host)
    connection = connection_of(host.id)
    has_zoom = connection is not None and connection.makes_meetings
    return render(
        "dashboard/show.html",
        host=host,
        zone=ZoneInfo(host.timezone),
        today=utcnow().astimezone(ZoneInfo(host.timezone)).date(),
        bookings=soonest(host, until=utcnow() + SOON),
        attention=need_attention(host, MOST_FAILURES, has_zoom=has_zoom),
        has_zoom=has_zoom,
        pages=pages,
        connection=connection,
        wants_zoom=any(page.auto_zoom for page in pages),
    )
