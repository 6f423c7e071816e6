"""Browsers that have signed in to an account before, known again by a signed cookie.

Wrong passwords that strangers try must not lock an account's owner out. So a browser that knows
an account has counters of its own, which no stranger can fill (the "device cookies" of
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies). The cookie
opens nothing: it only lets a password be tried.
"""

from flask import current_app, request
from werkzeug.wrappers import Response

from ..core.config import current_settings
from ..core.crypto import keyed_hash, new_reference, sign, unsign
from ..web.headers import YEAR

PURPOSE = "known-browser"
PATH = "/login"
MOST_ACCOUNTS = 5


def browser_of(email: str) -> str | None:
    """This browser's random name, when it has signed in to the account of `email` before."""
    browser, accounts = _read()
    return browser if _account(email) in accounts else None


def remember(response: Response, email: str) -> None:
    """Let this browser know the account of `email` from now on, beside the last few others."""
    browser, accounts = _read()
    known = [_account(email), *(one for one in accounts if one != _account(email))]
    response.set_cookie(
        current_app.config["KNOWN_BROWSER_COOKIE_NAME"],
        sign(PURPOSE, [browser or new_reference(16), *known[:MOST_ACCOUNTS]]),
        max_age=YEAR,
        path=PATH,
        secure=current_settings().is_production,
        httponly=True,
        samesite="Lax",
    )


def _read() -> tuple[str | None, list[str]]:
    values = unsign(
        PURPOSE, request.cookies.get(current_app.config["KNOWN_BROWSER_COOKIE_NAME"], ""), YEAR
    )
    return (str(values[0]), values[1:]) if values else (None, [])


def _account(email: str) -> str:
    return keyed_hash(PURPOSE, email)
