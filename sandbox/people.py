"""Who can sign in at this Zoom: three known people, and anybody else by a name.

There are no passwords. A cookie says who is signed in; tests may set it themselves.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from flask import request

COOKIE = "sandbox_zoom_user"
KNOWN = ("aya", "mallory", "hana")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Person:
    """A user of this Zoom. Everything follows from `key`, so that nothing need be stored."""

    key: str

    @property
    def name(self) -> str:
        return self.key.replace("-", " ").title()

    @property
    def email(self) -> str:
        return f"{self.key}@zoom-sandbox.example"

    @property
    def user_id(self) -> str:
        """22 characters, as Zoom's are."""
        return _identifier("user", self.key)

    @property
    def account_id(self) -> str:
        return _identifier("account", self.key)


def signed_in() -> Person:
    """Who is signed in at Zoom in this browser; the first of the known ones by default."""
    return named(request.cookies.get(COOKIE, "")) or Person(KNOWN[0])


def named(text: str) -> Person | None:
    """The person of that name, or None when no person can have it."""
    key = text.strip().lower().replace(" ", "-")
    return Person(key) if NAME.fullmatch(key) else None


def _identifier(kind: str, key: str) -> str:
    digest = hashlib.sha256(f"{kind}:{key}".encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
