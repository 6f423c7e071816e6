"""Secrets at rest, random tokens and their fingerprints, signed form tokens."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Flask, current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

# No 0/o, 1/l/i: a reference may be read out on the telephone.
REFERENCE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def init_app(app: Flask, keys: Sequence[str]) -> None:
    """Give `app` its keys: the first encrypts, all decrypt."""
    app.extensions["cipher"] = MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """`text` under the newest key."""
    cipher: MultiFernet = current_app.extensions["cipher"]
    return cipher.encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """What `encrypt` was given. Raises InvalidToken when no key fits."""
    cipher: MultiFernet = current_app.extensions["cipher"]
    return cipher.decrypt(sealed.encode()).decode()


def reseal(sealed: str) -> str:
    """The same under the newest key. Raises InvalidToken when no key fits."""
    cipher: MultiFernet = current_app.extensions["cipher"]
    return cipher.rotate(sealed.encode()).decode()


def new_token() -> str:
    """256 random bits for an address or a cookie. The database keeps only its fingerprint."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """SHA-256 in hex. Enough for tokens of 256 random bits, where nothing can be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_hash(purpose: str, text: str) -> str:
    """128 bits in hex that stand for `text` where it must not be read, as in Valkey's keys.

    HMAC-SHA256 under a key derived from SECRET_KEY: unlike a plain hash, nobody without that key
    can try addresses until one fits.
    """
    secret: str = current_app.config["SECRET_KEY"]
    key = hmac.digest(secret.encode(), f"calsync.{purpose}".encode(), "sha256")
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()[:32]


def derived_token(purpose: str, token: str) -> str:
    """A token for one purpose alone, 128 bits: it opens nothing else, and nobody finds `token` by it.

    HMAC-SHA256 under the token itself, so it lasts as long as that does.
    """
    digest = hmac.digest(token.encode(), f"calsync.{purpose}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def is_same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that tells nothing of them."""
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))


def new_reference(length: int = 10) -> str:
    """A short random name people can read out: 49 bits at ten characters, not a secret."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(length))


def sign(purpose: str, values: Sequence[str | int]) -> str:
    """A token that carries `values`, readable by all and forgeable by none."""
    return _signer(purpose).dumps(list(values))


def unsign(purpose: str, token: str, max_age: int) -> list[Any] | None:
    """The values `sign` was given, or None when the token is forged, foreign or older than
    `max_age` seconds."""
    try:
        values: list[Any] = _signer(purpose).loads(token, max_age=max_age)
    except BadSignature:
        return None
    return values


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"calsync.{purpose}")


__all__ = [
    "InvalidToken",
    "decrypt",
    "derived_token",
    "encrypt",
    "fingerprint",
    "init_app",
    "is_same",
    "keyed_hash",
    "new_reference",
    "new_token",
    "reseal",
    "sign",
    "unsign",
]
