"""The choice of a language, by a button on every page. A form that is half filled in stays so."""

from flask import Flask, abort, g, request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from ..core.config import current_settings
from ..i18n import COOKIE, LANGUAGES
from ..web.headers import YEAR
from ..web.shown_again import is_typed_form, show_again
from . import service


def init_app(app: Flask) -> None:
    """Answer a form that a language's button has sent with the form in that language. It comes
    before the check of the form's token, since it only shows what was sent."""
    app.before_request(_switch_in_form)


def _switch_in_form() -> BaseResponse | None:
    if not is_typed_form() or "lang" not in request.form:
        return None
    language = language_sent()
    g.language = language
    response = show_again()
    if response.status_code in {409, 422}:
        response.status_code = 200
    return remember(response, language)


def language_sent() -> str:
    """The language of the button that was pressed. :raises 400: one that we do not speak."""
    language = request.form.get("lang", "")
    return language if language in LANGUAGES else abort(400)


def remember(response: BaseResponse, language: str) -> BaseResponse:
    """Keep the choice in a cookie, and for a host's mails in their row; commits that."""
    if current_user.is_authenticated:
        service.set_language(current_user, language)
    response.set_cookie(
        COOKIE,
        language,
        max_age=YEAR,
        secure=current_settings().is_production,
        httponly=True,
        samesite="Lax",
    )
    return response
