"""The landing page, and the host's first page: today, what needs attention, the pages."""

from zoneinfo import ZoneInfo

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import pages_of
from ..desk.listing import need_attention, soonest
from ..web.htmx import render, see_other
from ..zoom.tokens import connection_of

bp = Blueprint("dashboard", __name__)
MOST_SHOWN = 10  # bookings; the Bookings section has them all
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
        bookings=soonest(host, MOST_SHOWN),
        attention=need_attention(host, MOST_FAILURES, has_zoom=has_zoom),
        has_zoom=has_zoom,
        pages=pages,
        connection=connection,
        wants_zoom=any(page.auto_zoom for page in pages),
    )
