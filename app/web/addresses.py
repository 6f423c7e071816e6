"""Addresses of our own: absolute ones for mails, the way back to a view, and paths that people send."""

from urllib.parse import urlencode, urlsplit

from flask import current_app, request
from flask.globals import request_ctx
from werkzeug.routing import IntegerConverter, Map

from ..core.config import current_settings

LONGEST_PATH = 2_000


class RowNumber(IntegerConverter):
    """A number in an address that a row can have."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


def public_url(endpoint: str, **values: object) -> str:
    """A page's address for mails and other sites: from PUBLIC_BASE_URL, never from a request."""
    path = current_app.url_map.bind("").build(endpoint, values)
    return current_settings().public_base_url + path


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
