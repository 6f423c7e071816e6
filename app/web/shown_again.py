"""Showing a form again with everything that was typed, where its view may not run.

That is so when the form has expired, when its sign-in is over, and when it was sent by a language's
button. A view names the function that draws its form from what was sent:

    @bp.post("/settings")
    @shown_again_by(lambda: render_profile(ProfileForm(current_host())))
    def update_profile(): ...

It gets the view's arguments and changes nothing, so it may run where the view may not. Passwords
are never shown again, nor kept.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, abort, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from ..core.crypto import sign, unsign
from ..i18n import gettext as _
from .error_pages import problem_page
from .htmx import replace_page
from .origin import is_from_elsewhere

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Draw = Callable[..., ResponseReturnValue]

PURPOSE = "typed"
A_DAY = 86_400
MOST_KEPT = 60_000  # characters of JSON; what our longest form takes is half of it
# What belongs to the moment of sending, or is nobody's to keep.
NOT_KEPT = {"csrf_token", "password", "kept", "lang", "add", "remove"}


def shown_again_by(draw: Draw) -> Callable[[View], View]:
    """A decorator, right below the route: `draw(**view_args)` shows the view's form again."""

    def mark(view: View) -> View:
        view.draws_again = draw  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: Flask) -> None:
    """Answer an expired form with the form."""
    app.register_error_handler(CSRFError, _expired)
    app.jinja_env.globals["form_address"] = form_address


def is_typed_form() -> bool:
    """Whether the request sends a form of ours that can be shown again, with anything in it.

    What another site has filled in is nobody's words: shown again, it would be one press away from
    being saved by a host who believes to have typed it.
    """
    is_ours = request.method == "POST" and _draw_of(request.endpoint) is not None
    return is_ours and not is_from_elsewhere() and bool(_typed())


def show_again() -> BaseResponse:
    """The request's own form, as it was sent; those who may not see it are turned away."""
    endpoint = request.endpoint
    assert endpoint is not None
    return _drawn(endpoint, request.view_args or {})


def keep_typed() -> str:
    """What was typed into the request's form, sealed for the sign-in that has to come first;
    empty where there is nothing to keep."""
    if not is_typed_form():
        return ""
    pairs = json.dumps(_typed(), ensure_ascii=False)
    return sign(PURPOSE, [form_address(), pairs]) if len(pairs) <= MOST_KEPT else ""


def show_kept(kept: str) -> BaseResponse | None:
    """The form that `keep_typed` has sealed, for whoever has signed in meanwhile. None when it is
    forged, old, or a form that they may not see."""
    values = unsign(PURPOSE, kept, A_DAY)
    if values is None:
        return None
    address, pairs = values
    path, _mark, query = str(address).partition("?")
    try:
        endpoint, arguments = current_app.url_map.bind("").match(path, "POST", query_args=query)
        g.typed, g.form_address = MultiDict(map(tuple, json.loads(pairs))), address
        g.form_note = _("You are signed in. What you typed is still here: please send it again.")
        return _drawn(endpoint, arguments)
    except HTTPException:
        return None


def typed_fields() -> MultiDict[str, str] | None:
    """The fields that a form is to be filled in from, where they are not the request's own."""
    fields: MultiDict[str, str] | None = g.get("typed")
    return fields


def form_address() -> str:
    """Where the form on this page is sent: the page's own address, without a language in it."""
    if address := g.get("form_address"):
        return str(address)
    query = [pair for pair in request.args.items(multi=True) if pair[0] != "lang"]
    return request.path + ("?" + urlencode(query) if query else "")


def _expired(error: CSRFError) -> BaseResponse:
    """The form with what was typed and a new token, 400; buttons alone are to be pressed again."""
    if not is_typed_form():
        return problem_page(error)
    g.form_note = _("This form has expired. What you typed is still here: please send it again.")
    try:
        response = show_again()
    except HTTPException as other:
        return problem_page(other)
    if response.status_code == 200:
        response.status_code = 400
    return response


def _draw_of(endpoint: str | None) -> Draw | None:
    return getattr(current_app.view_functions.get(endpoint or ""), "draws_again", None)


def _typed() -> list[tuple[str, str]]:
    return [pair for pair in request.form.items(multi=True) if pair[0] not in NOT_KEPT]


def _drawn(endpoint: str, arguments: Mapping[str, Any]) -> BaseResponse:
    draw = _draw_of(endpoint) or abort(404)
    blueprint = endpoint.rpartition(".")[0]
    for gate in current_app.before_request_funcs.get(blueprint, ()):
        if (turned_away := gate()) is not None:
            return make_response(turned_away)
    return replace_page(make_response(draw(**arguments)))
