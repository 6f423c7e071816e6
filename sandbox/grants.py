"""What a Zoom user has granted: codes, tokens, their rotation and their end.

The rules are Zoom's for user-managed apps: https://developers.zoom.us/docs/integrations/oauth/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox.clock import now
from sandbox.people import Person
from sandbox.store import Store

CODE_SECONDS = 5 * 60
REFRESH_SECONDS = 90 * 24 * 3600


class Denied(Exception):
    """The token address says no; `error` is the word of RFC 6749, section 5.2."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason


class BadBearer(Exception):
    """An access token that opens nothing; `code` is Zoom's number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Bearer:
    """Whose access token it is, and what it may do."""

    person: Person
    scopes: frozenset[str]


def issue_code(
    store: Store, person: Person, redirect_uri: str, challenge: str | None, scope: str
) -> str:
    """Install the app for `person` and return a code, good once and for 5 minutes. Commits."""
    code = secrets.token_urlsafe(24)
    with store.writing() as db:
        db.execute("INSERT OR IGNORE INTO installs VALUES (?, ?)", (person.key, now()))
        db.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (code, person.key, redirect_uri, challenge, scope, now()),
        )
    return code


def exchange(
    store: Store, code: str, redirect_uri: str, verifier: str | None, expires_in: int
) -> dict[str, Any]:
    """Tokens for a code, as Zoom's answer. Commits; any attempt uses the code up.

    Earlier authorizations of the same user end here: only the last one is valid (code 4741).
    Raises Denied.
    """
    with store.writing() as db:
        row = db.execute("SELECT * FROM codes WHERE code = ?", (code,)).fetchone()
        used = db.execute(
            "UPDATE codes SET used_at = ? WHERE code = ? AND used_at IS NULL",
            (now(), code),
        ).rowcount
    if row is None or not used:
        raise Denied("invalid_grant", "Invalid authorization code (4734)")
    if row["issued_at"] + CODE_SECONDS < now():
        raise Denied("invalid_grant", "Authorization code expired (4733)")
    if not hmac.compare_digest(redirect_uri.encode(), row["redirect_uri"].encode()):
        raise Denied("invalid_request", "Redirect URI mismatch (4709)")
    if row["challenge"] and not _proves(verifier or "", row["challenge"]):
        raise Denied("invalid_grant", "Code verifier does not match the challenge")
    person = Person(row["person"])
    with store.writing() as db:
        db.execute(
            "UPDATE authorizations SET state = 'superseded' WHERE person = ? AND state = 'active'",
            (person.key,),
        )
        made = db.execute(
            "INSERT INTO authorizations (person, scope, made_at, state) VALUES (?, ?, ?, 'active')",
            (person.key, row["scope"], now()),
        )
        return _new_tokens(db, int(made.lastrowid or 0), person, row["scope"], expires_in)


def refresh(store: Store, token: str, expires_in: int, *, rotates: bool = True) -> dict[str, Any]:
    """New tokens for a refresh token, which is dead afterwards. Commits. Raises Denied.

    Unless it `rotates`, the answer brings a new access token alone, and the refresh token stays
    good. Access tokens handed out before live on until they expire.
    """
    with store.writing() as db:
        row = db.execute(
            "SELECT a.*, r.issued_at, r.replaced_at FROM refresh_tokens r"
            " JOIN authorizations a ON a.id = r.authorization_id WHERE r.token = ?",
            (token,),
        ).fetchone()
        if row is None or row["replaced_at"] or row["issued_at"] + REFRESH_SECONDS < now():
            raise Denied("invalid_grant", "Invalid Token!")
        if row["state"] == "superseded":
            raise Denied("invalid_grant", "Invalid Token! A later authorization is valid (4741)")
        if row["state"] == "removed":
            raise Denied("invalid_grant", "Invalid Token! The app was removed (4737)")
        answer = _new_tokens(db, row["id"], Person(row["person"]), row["scope"], expires_in)
        if rotates:
            db.execute("UPDATE refresh_tokens SET replaced_at = ? WHERE token = ?", (now(), token))
        else:
            db.execute("DELETE FROM refresh_tokens WHERE token = ?", (answer.pop("refresh_token"),))
        return answer


def bearer(store: Store, token: str) -> Bearer:
    """Who comes with this access token. Raises BadBearer."""
    row = store.row(
        "SELECT a.*, t.expires_at FROM access_tokens t"
        " JOIN authorizations a ON a.id = t.authorization_id WHERE t.token = ?",
        token,
    )
    if row is None or row["state"] == "removed":
        raise BadBearer(124, "Invalid access token.")
    if row["state"] == "superseded":
        raise BadBearer(4741, "The access token was replaced by a later authorization.")
    if row["expires_at"] <= now():
        raise BadBearer(124, "Access token is expired.")
    return Bearer(Person(row["person"]), frozenset(row["scope"].split()))


def revocable(store: Store, token: str) -> Person:
    """Whose live authorization this access token belongs to. Raises Denied."""
    row = store.row(
        "SELECT a.person FROM access_tokens t JOIN authorizations a ON a.id = t.authorization_id"
        " WHERE t.token = ? AND a.state = 'active'",
        token,
    )
    if row is None:
        raise Denied("invalid_request", "Invalid Token!")
    return Person(row["person"])


def installed_at(store: Store, person: Person) -> float | None:
    """Since when the app is installed for `person`, or None."""
    row = store.row("SELECT installed_at FROM installs WHERE person = ?", person.key)
    return row["installed_at"] if row else None


def uninstall(store: Store, person: Person) -> bool:
    """Remove the app: every code and token of `person` is dead. Commits.

    False when it was not installed, and then nobody need be told.
    """
    with store.writing() as db:
        gone = db.execute("DELETE FROM installs WHERE person = ?", (person.key,)).rowcount
        db.execute("DELETE FROM codes WHERE person = ?", (person.key,))
        db.execute(
            "UPDATE authorizations SET state = 'removed' WHERE person = ? AND state = 'active'",
            (person.key,),
        )
    return bool(gone)


def _proves(verifier: str, challenge: str) -> bool:
    """PKCE with S256: https://www.rfc-editor.org/rfc/rfc7636#section-4.6"""
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(_base64url(digest).encode(), challenge.encode())


def _new_tokens(
    db: sqlite3.Connection,
    authorization_id: int,
    person: Person,
    scope: str,
    expires_in: int,
) -> dict[str, Any]:
    access = _access_token(person, expires_in)
    fresh = _base64url(secrets.token_bytes(48))
    db.execute(
        "INSERT INTO access_tokens VALUES (?, ?, ?)",
        (access, authorization_id, now() + expires_in),
    )
    db.execute(
        "INSERT INTO refresh_tokens VALUES (?, ?, ?, NULL)",
        (fresh, authorization_id, now()),
    )
    return {
        "access_token": access,
        "token_type": "bearer",
        "refresh_token": fresh,
        "expires_in": expires_in,
        "scope": scope,
        "api_url": "https://api-us.zoom.us",
    }


def _access_token(person: Person, expires_in: int) -> str:
    """A JWT in form only: its claims name the user, its signature is random."""
    claims = {
        "uid": person.user_id,
        "aid": person.account_id,
        "exp": int(now()) + expires_in,
        "iat": int(now()),
    }
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join([*encoded, _base64url(secrets.token_bytes(24))])


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
