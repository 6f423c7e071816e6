"""What every page shares: htmx, redirects, security headers, error pages.

The only module that reads or writes HX- headers.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import ParamSpec, TypeVar, cast
from urllib.parse import quote, urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    SecurityError,
    ServiceUnavailable,
)
from werkzeug.routing import IntegerConverter, Map, RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from .config import Settings
from .extensions import DATABASE_AWAY
from .gates import NotNow
from .i18n import gettext as _
from .logs import log
from .text import mailto

P = ParamSpec("P")
T = TypeVar("T")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST_PATH = 2_000
# What a sentence or a chat puts behind an address, and its link swallows.
SWALLOWED = "/.,;:!?)]}>'\"。、，．！？）」』】〉》＞”’… \u3000"
YEAR = 31_536_000
RETRY_AFTER = 5  # seconds, which a restart of the database takes


def init_app(app: Flask, settings: Settings) -> None:
    """Bind headers and error pages to `app`."""
    app.extensions["settings"] = settings
    app.jinja_env.globals.update(is_htmx=is_htmx, settings=settings, public_url=public_url)
    app.jinja_env.filters["mailto"] = mailto
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse_nul)
    # Before the form's token is looked for, which would read the body.
    app.before_request_funcs.setdefault(None, []).insert(0, _refuse_what_is_no_form)
    app.after_request(_secure)
    app.register_error_handler(HTTPException, problem_page)
    for error in DATABASE_AWAY:
        app.register_error_handler(error, _database_away_page)
    app.register_error_handler(Exception, _crash_page)


class RowNumber(IntegerConverter):
    """A number in an address that a row can have."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


def _refuse_nul() -> None:
    """Nothing of ours is named so, and PostgreSQL takes no text with it. :raises 404:"""
    if "\0" in request.path:
        abort(HTTPStatus.NOT_FOUND)


def takes_json(view: Callable[P, T]) -> Callable[P, T]:
    """Let a view read a body that is no form. Views do not, but for this mark."""
    view.takes_json = True  # type: ignore[attr-defined]
    return view


def _refuse_what_is_no_form() -> None:
    """Fields alone are read, of a length that is told: Werkzeug cuts a longer body of unknown length
    without a word. Browsers and proxies tell it. :raises 411: :raises 415:"""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method != "POST" or getattr(view, "takes_json", False):
        return
    if "Transfer-Encoding" in request.headers:
        abort(HTTPStatus.LENGTH_REQUIRED)
    if request.mimetype not in {"", *FORM_TYPES}:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def is_htmx() -> bool:
    """Whether htmx asks for a part (it asks for whole pages when it restores history)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def render(page: str, part: str | None = None, /, **values: object) -> Response:
    """`page` for a browser, `part` for htmx; caches are told that the two differ."""
    html = render_template(part if part and is_htmx() else page, **values)
    return respond(html, has_part=part is not None)


def respond(html: str, *, has_part: bool) -> Response:
    """What is rendered, with what it varies by; `has_part`: htmx gets something else."""
    response = make_response(html)
    response.headers["Vary"] = "Accept-Language, Cookie" + (", HX-Request" if has_part else "")
    return response


def public_url(endpoint: str, **values: object) -> str:
    """A page's address for mails and other sites: from PUBLIC_BASE_URL, never from a request."""
    path = current_app.url_map.bind("").build(endpoint, values)
    return current_settings().public_base_url + path


def see_other(address: str) -> BaseResponse:
    """303 to one of our own addresses, after a form."""
    return redirect(address, code=HTTPStatus.SEE_OTHER)


def go_to(address: str) -> BaseResponse:
    """Send the whole window to `address`, whether a browser or htmx asks."""
    if is_htmx():
        return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    return see_other(address)


def replace_page(response: Response) -> Response:
    """Let htmx put a whole page in place of the one it is on, and not into a part of it."""
    if is_htmx():
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def local_path(wish: str | None, default: str) -> str:
    """`wish` when it is a path on this site, else `default`.

    `//host`, `/\\host` and control characters make browsers leave the site, so they are refused.
    """
    if (
        not wish
        or len(wish) > LONGEST_PATH
        or not wish.startswith("/")
        or wish.startswith(("//", "/\\"))
    ):
        return default
    if "\\" in wish or any(ord(character) < 33 for character in wish):
        return default
    parts = urlsplit(wish)
    return default if parts.scheme or parts.netloc else wish


def refuse_foreign_origin() -> None:
    """Forbid a form that another site sent: for forms that carry no session. :raises 403:"""
    if is_from_elsewhere():
        abort(HTTPStatus.FORBIDDEN)


def is_from_elsewhere() -> bool:
    """Whether another site sent this form.

    Browsers say where a form comes from in Sec-Fetch-Site. Older ones say it in Origin, which
    is `null` for our own pages that send no referrer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    own = urlsplit(request.host_url)
    known = {None, "null", f"{own.scheme}://{own.netloc}", _public_origin()}
    return request.headers.get("Origin") not in known


def _public_origin() -> str:
    parts = urlsplit(current_settings().public_base_url)
    return f"{parts.scheme}://{parts.netloc}"


def current_settings() -> Settings:
    """The running app's Settings."""
    settings: Settings = current_app.extensions["settings"]
    return settings


def may_lead_to_zoom() -> None:
    """Let this page's form end at Zoom: browsers hold form-action against redirects as well."""
    g.form_targets = current_settings().zoom_origin


def keep_private(response: Response) -> Response:
    """Keep a page that a secret address opens out of caches, search engines and Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _secure(response: Response) -> Response:
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; font-src 'self'; form-action 'self' {g.get('form_targets', '')}".strip()
        + "; base-uri 'none'; frame-ancestors 'none'",
    )
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if current_settings().is_production:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    if g.get("is_private") and request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    return response


def problem_page(error: HTTPException) -> BaseResponse:
    """The page that says what went wrong, for whatever could not be answered."""
    if error.response is not None:
        return cast(BaseResponse, error.response)
    if isinstance(error, SecurityError):
        # A host that is not ours: no address can be built, so there is no page to show.
        return Response("This host is not served here.\n", 400, mimetype="text/plain")
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND and (address := _without_what_was_swallowed()):
        return redirect(address, HTTPStatus.FOUND)
    words = _words_for(status)
    if isinstance(error, CSRFError):
        words = (
            _("This form has expired"),
            _("Go back, reload the page and press the button again."),
        )
    if isinstance(error, NotNow):
        words = (error.title, error.words)
    response = make_response(
        render_template("errors/error.html", status=status, title=words[0], advice=words[1]),
        status,
    )
    if retry_after := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


def _without_what_was_swallowed() -> str | None:
    """The address that was meant, when the one that was asked for ends with a sentence's marks, and
    a page of ours has it without them."""
    meant = request.path.rstrip(SWALLOWED)
    if request.method not in {"GET", "HEAD"} or meant in {"", request.path}:
        return None
    # One slash at the beginning: two would lead to another host.
    meant = "/" + meant.lstrip("/\\")
    try:
        current_app.url_map.bind("").match(meant)
    except (HTTPException, RequestRedirect):
        return None
    query = request.query_string.decode("ascii", "ignore")
    return quote(meant) + (f"?{query}" if query else "")


def _words_for(status: int) -> tuple[str, str]:
    known = {
        400: (_("This request could not be understood"), _("Go back and try again.")),
        403: (
            _("You cannot open this page"),
            _("Sign in with another account, or go back."),
        ),
        404: (
            _("This page does not exist"),
            _("Check the address. The host may have closed the booking page."),
        ),
        405: (
            _("This does not work here"),
            _("Go back and use the buttons on the page."),
        ),
        413: (_("This was too long"), _("Shorten the text and send it again.")),
    }
    broken = (
        _("Something went wrong on our side"),
        _("Please try again shortly."),
    )
    return known.get(status, broken if status >= 500 else known[400])


def _database_away_page(error: DBAPIError) -> BaseResponse:
    """503: the database is restarting, full or locked. A form can be sent again as it is."""
    log.warning("database away", error=type(error.orig).__name__)
    return problem_page(ServiceUnavailable(retry_after=RETRY_AFTER))


def _crash_page(error: Exception) -> BaseResponse:
    """The outermost net of a request: log it without its data, answer calmly."""
    if current_app.testing:
        raise error
    log.exception("request crashed", error=type(error).__name__)
    return problem_page(InternalServerError())
