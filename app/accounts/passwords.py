"""Passwords: how they are kept, how many are looked at at once, and which are refused."""

import re
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..web.gates import Gate

SHORTEST, LONGEST = 8, 512  # characters; the upper one only so that nobody makes us hash megabytes
EASY_GUESSES = 10**6
LOOKED_AT = 72  # characters, which is as far as zxcvbn goes

_hasher = PasswordHasher()


# One argon2 hash takes 64 MiB and four cores for a twentieth of a second: two at once take as long
# as one after the other. Of the eight threads of a web process four at most are here, so that
# pages never wait behind passwords.
hashing = Gate(at_once=1, in_line=3, patience=2.0, seconds=5)


def hash_password(password: str) -> str:
    """argon2id with the library's recommended cost (RFC 9106). Raises Busy."""
    with hashing.passed():
        return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is this password. Without a hash it is not, which takes as long. Raises Busy."""
    with hashing.passed():
        if password_hash is None:
            _hasher.hash(password)
            return False
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether the library's recommended cost has changed since."""
    return _hasher.check_needs_rehash(password_hash)


def weakness_of(password: str, about: Sequence[str]) -> str | None:
    """Why fewer than a million guesses find a password: `common`, `personal` (made of `about`, what
    others know of the account) or `pattern`. None: they do not.

    zxcvbn counts the guesses (Wheeler, USENIX Security 2016) with lists of common passwords, names
    and words, keyboards, dates and repetitions; https://github.com/dwolfhub/zxcvbn-python.
    """
    # Its lists take 25 ms and some megabytes, which only those pay who choose a password.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    known = ["calsync", *(part for text in about for part in _parts(text))]
    found = zxcvbn(password[:LOOKED_AT], user_inputs=known)
    if found["guesses"] >= EASY_GUESSES:
        return None
    parts = found["sequence"]
    if any(part.get("dictionary_name") == "user_inputs" for part in parts):
        return "personal"
    longest = max(parts, key=lambda part: len(part["token"]))
    return "common" if longest["pattern"] == "dictionary" else "pattern"


def _parts(text: str) -> list[str]:
    """A name or an address whole, its words, and its words run together."""
    words = [word for word in re.split(r"[\W_]+", text) if len(word) > 2]
    return [text, text.partition("@")[0], *words, "".join(words)]
