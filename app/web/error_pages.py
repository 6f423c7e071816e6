"""What a failed request is answered with: a page of ours, or a message where htmx asked.

htmx swaps error bodies like any other. So that no whole page lands in a part of one, an error
that htmx asked for is a message in the place that every page keeps for messages (`#message` in
base.html), and the part that asked stays as it is.
"""

from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from flask import Flask, Response, current_app, make_response, redirect, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    SecurityError,
    ServiceUnavailable,
)
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from ..core.logs import log
from ..db import DATABASE_AWAY
from ..i18n import gettext as _
from .gates import NotNow
from .htmx import as_message, is_htmx

# What a sentence or a chat puts behind an address, and its link swallows.
SWALLOWED = "/.,;:!?)]}>'\"。、，．！？）」』】〉》＞”’… \u3000"
RETRY_AFTER = 5  # seconds, which a restart of the database takes


class Asker(StrEnum):
    """Who asked: the same status means something else to each."""

    CLIENT = "client"  # by the address of a booking
    VISITOR = "visitor"  # of a booking page
    HOST = "host"  # signed in
    STRANGER = "stranger"


def init_app(app: Flask) -> None:
    """Answer every error of `app` with a page or a message of ours."""
    app.register_error_handler(HTTPException, problem_page)
    for error in DATABASE_AWAY:
        app.register_error_handler(error, _database_away_page)
    app.register_error_handler(Exception, _crash_page)


def problem_page(error: HTTPException) -> BaseResponse:
    """The answer that says what went wrong, for whatever could not be done."""
    if error.response is not None:
        return cast(BaseResponse, error.response)
    if isinstance(error, SecurityError):
        # A host that is not ours: no address can be built, so there is no page to show.
        return Response("This host is not served here.\n", 400, mimetype="text/plain")
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND and (address := _without_what_was_swallowed()):
        return redirect(address, HTTPStatus.FOUND)
    asker = _asker(status)
    title, advice = _words_of(error, asker)
    html = render_template(
        "errors/_message.html" if is_htmx() else "errors/error.html",
        status=status,
        title=title,
        advice=advice,
        is_host=asker is Asker.HOST,
    )
    response = make_response(html, status)
    # Allow, Retry-After and their like: what the status means to a program.
    for name, value in error.get_headers(request.environ):
        if name.lower() != "content-type":
            response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return as_message(response) if is_htmx() else response


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


def _asker(status: int) -> Asker:
    """By the address first: a host who opens a client's link reads what the client would."""
    if request.path.startswith(("/booking/", "/join/", "/reminders/")):
        return Asker.CLIENT
    if request.path.startswith("/feed/"):
        return Asker.STRANGER
    if request.path.startswith("/b/"):
        return Asker.VISITOR
    # Who is signed in stands in the database, which may be what has failed.
    if status < InternalServerError.code:
        with suppress(*DATABASE_AWAY):
            if current_user.is_authenticated:
                return Asker.HOST
    return Asker.STRANGER


def _words_of(error: HTTPException, asker: Asker) -> tuple[str, str]:
    """What happened, and what to do about it."""
    if isinstance(error, NotNow):
        return error.title, error.words
    if isinstance(error, CSRFError):
        return (
            _("This form has expired"),
            _("Go back, reload the page and press the button again."),
        )
    status = error.code or 500
    if status == 404:
        return _words_of_missing(asker)
    known = {
        400: (_("This request could not be understood"), _("Go back and try again.")),
        403: (
            _("This form was sent from another site"),
            _("Open the page here, and send it again."),
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


def _words_of_missing(asker: Asker) -> tuple[str, str]:
    if asker is Asker.CLIENT:
        return (
            _("This booking link does not work"),
            _("Part of the address may be missing. Open the link in your email once more."),
        )
    if asker is Asker.VISITOR:
        return (
            _("This booking page does not exist"),
            _("Check the address, or ask for a new link: the page may have been closed."),
        )
    if asker is Asker.HOST:
        return (
            _("This page does not exist"),
            _("Check the address. What you are looking for may have been deleted."),
        )
    return _("This page does not exist"), _("Check the address.")


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
