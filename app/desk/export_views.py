"""The Bookings section as a file for spreadsheets."""

from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import titles_of
from ..core.clock import utcnow
from ..web.rate_limits import limits
from .export import table, words
from .host_views import own_filters

bp = Blueprint("export", __name__)
bp.before_request(hosts_only)


@bp.get("/dashboard/bookings.csv")
@limits("export", account=lambda: current_host().id)
def bookings() -> ResponseReturnValue:
    """What the list shows with the same `tab`, `q`, `page_id`, `from` and `to`, all pages of it, as CSV.
    :raises 400: a day that cannot be read, since the file would hold other bookings than asked for."""
    host = current_host()
    filters = own_filters(request.args, ZoneInfo(host.timezone), titles_of(host))
    if filters.errors:
        abort(400)
    today = utcnow().astimezone(filters.zone).date()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    response = Response(
        table(app, host.id, filters, words()),
        content_type="text/csv; charset=utf-8",
    )
    name = f"calsync-bookings-{filters.tab}-{today}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
