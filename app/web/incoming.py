"""What a request may carry: fields of a form, and no NUL in its path."""

from collections.abc import Callable
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from flask import abort, current_app, request

P = ParamSpec("P")
T = TypeVar("T")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def refuse_nul() -> None:
    """Nothing of ours is named so, and PostgreSQL takes no text with it. :raises 404:"""
    if "\0" in request.path:
        abort(HTTPStatus.NOT_FOUND)


def takes_json(view: Callable[P, T]) -> Callable[P, T]:
    """Let a view read a body that is no form. Views do not, but for this mark."""
    view.takes_json = True  # type: ignore[attr-defined]
    return view


def refuse_what_is_no_form() -> None:
    """Fields alone are read, of a length that is told: Werkzeug cuts a longer body of unknown length
    without a word. Browsers and proxies tell it. :raises 411: :raises 415:"""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method != "POST" or getattr(view, "takes_json", False):
        return
    if "Transfer-Encoding" in request.headers:
        abort(HTTPStatus.LENGTH_REQUIRED)
    if request.mimetype not in {"", *FORM_TYPES}:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
