"""What every page shares: htmx, redirects, security headers.

The only module that reads or writes HX- headers.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit

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
from flask.globals import request_ctx
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse

from ..core.config import Settings, current_settings
from ..core.text import mailto

P = ParamSpec("P")
T = TypeVar("T")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST_PATH = 2_000
YEAR = 31_536_000


def init_app(app: Flask, settings: Settings) -> None:
    """Bind what every page shares to `app`."""
    app.extensions["settings"] = settings
    app.jinja_env.globals.update(
        is_htmx=is_htmx, settings=settings, public_url=public_url, view_address=view_address
    )
    app.jinja_env.filters["mailto"] = mailto
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse_nul)
    # Before the form's token is looked for, which would read the body.
    app.before_request_funcs.setdefault(None, []).insert(0, _refuse_what_is_no_form)
    app.after_request(_secure)


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


def as_message(response: Response) -> Response:
    """Let htmx show the answer in the page's place for messages (`#message` in base.html), and
    leave the part that asked, and the address, as they are."""
    response.headers["HX-Retarget"] = "#message"
    response.headers["HX-Reswap"] = "innerMorph"
    response.headers["HX-Push-Url"] = "false"
    return response


def view_address() -> str:
    """Where a browser can go back to this view by a GET, without a language in the address.

    A page that a POST has rendered may have no GET of its own: the nearest address above it
    that has one is what the form was sent from.
    """
    query = {name: value for name, value in request.args.items() if name != "lang"}
    path = request.path
    if request.method == "POST":
        # A page that the form left behind, not what the form was sent with.
        while path != "/" and not request_ctx.url_adapter.test(path, "GET"):  # type: ignore[union-attr]
            path, query = path.rpartition("/")[0] or "/", {}
    return path + (f"?{urlencode(query)}" if query else "")


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
