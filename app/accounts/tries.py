"""Trying a password at the sign-in: counted first, then looked at."""

from ..web.rate_limits import DAY, Counted, count, network, remember, remembers
from . import service
from .known_browsers import browser_of
from .models import User

SIGNED_IN = "signed in"
NETWORK_IS_KNOWN = 90 * DAY  # seconds


def try_password(email: str, password: str) -> User | None:
    """The active user with this address and password, or None.

    A wrong password stays counted, a right one does not. Every counter goes by the address that
    was typed, whether an account has it or not, so nothing here tells which. Raises LimitReached,
    gates.Busy.
    """
    with _count(email) as wrong:
        user = service.authenticate(email, password)
    if user is not None:
        wrong.give_back()
        remember(SIGNED_IN, NETWORK_IS_KNOWN, account=email, network=network())
    return user


def _count(email: str) -> Counted:
    """Count one try among those that it belongs to: a known browser's own, those from a network
    that has signed in to this account, or those of strangers."""
    if browser := browser_of(email):
        own = {"account": email, "browser": browser}
        count("known browser's sign-in", **own)
        return count("known browser's wrong password", **own)
    count("sign-in")
    is_known = remembers(SIGNED_IN, NETWORK_IS_KNOWN, account=email, network=network())
    names = ["wrong password"] if is_known else ["wrong password", "stranger's wrong password"]
    return count(*names, account=email)
