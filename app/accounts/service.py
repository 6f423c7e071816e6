"""Signing up, in and out. The functions here are the only ones of accounts that commit."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ..clock import utcnow
from ..crypto import fingerprint, new_token
from ..extensions import db, delete_some
from ..forms import version_of
from .models import SignIn, User

_hasher = PasswordHasher()
# argon2id takes 64 MiB a hash: a crowd at the door must not take all memory.
_hashing = threading.BoundedSemaphore(4)


class Stale(Exception):
    """What a form overwrites was changed since the form was shown."""


class AddressTaken(Exception):
    """Another account has this mail address."""


def sign_up(
    email: str,
    password: str,
    name: str,
    *,
    locale: str,
    timezone: str,
    is_admin: bool = False,
    form_key: str | None = None,
) -> User:
    """Make a host's account and commit. `email` in lower case, `timezone` an IANA name; `form_key`
    is the once-only key of the form.

    Raises AddressTaken, and changes nothing then.
    """
    user = User(
        email=email,
        password_hash=hash_password(password),
        name=name,
        locale=locale,
        timezone=timezone,
        is_admin=is_admin,
        form_key=form_key,
        created_at=utcnow(),
    )
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AddressTaken from error
    return user


def made_by(form_key: str) -> User | None:
    """The account that a form with this once-only key has made."""
    return db.session.scalar(select(User).where(User.form_key == form_key))


def hash_password(password: str) -> str:
    """argon2id with the library's recommended cost (RFC 9106)."""
    with _hashing:
        return _hasher.hash(password)


def authenticate(email: str, password: str) -> User | None:
    """The active user with this address and password, or None.

    An unknown address costs as much time as a wrong password. Commits a new hash when the
    library's recommended cost has changed since the old one.
    """
    user: User | None = db.session.scalar(select(User).where(User.email == email))
    if not _matches(user.password_hash if user else _hash_of_nobody(), password):
        return None
    if user is None or not user.is_active:
        return None
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
        db.session.commit()
    return user


def _matches(password_hash: str, password: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


_nobody: list[str] = []


def _hash_of_nobody() -> str:
    if not _nobody:
        _nobody.append(hash_password(new_token()))
    return _nobody[0]


def begin_session(user: User, user_agent: str) -> str:
    """Sign `user` in from one browser and commit. Returns the plain token for its cookie."""
    token = new_token()
    now = utcnow()
    db.session.add(
        SignIn(
            token_hash=fingerprint(token),
            user_id=user.id,
            created_at=now,
            seen_at=now,
            user_agent=user_agent[:255],
        )
    )
    db.session.commit()
    user.session_token = token
    return token


def end_session(token: str) -> None:
    """Sign one browser out and commit; copies of its cookie are dead with it."""
    db.session.execute(delete(SignIn).where(SignIn.token_hash == fingerprint(token)))
    db.session.commit()


def forget_old_sessions(most: int) -> int:
    """Delete up to `most` sign-ins that are older than any may be; commit. Returns how many."""
    began = utcnow() - current_app.permanent_session_lifetime
    return delete_some(SignIn, SignIn.created_at < began, most)


def find_by_session(token: str) -> User | None:
    """The active user whose browser carries `token`."""
    signed_in: SignIn | None = db.session.scalar(
        select(SignIn).where(SignIn.token_hash == fingerprint(token))
    )
    if signed_in is None or not signed_in.user.is_active:
        return None
    signed_in.user.session_token = token
    return signed_in.user


def set_language(user: User, language: str) -> None:
    """Remember the language that mails to this host are written in, and commit."""
    user.locale = language
    db.session.commit()


def update_profile(
    user: User, name: str, timezone: str, locale: str, version: str | None = None
) -> None:
    """Change how clients see the host, and in which zone and language they read; commit.

    `version` is the `profile_version` that was read before; None asks for no comparison. The
    language is no part of it: a button on every page changes it too, and the last choice counts.
    Raises Stale when name or zone are others by now than at that version, and than asked for.
    """
    lock(user.id)
    db.session.refresh(user)
    is_read_before = version in {None, profile_version(user)}
    if not is_read_before and (name, timezone) != (user.name, user.timezone):
        db.session.rollback()
        raise Stale
    user.name, user.timezone, user.locale = name, timezone, locale
    db.session.commit()


def profile_version(user: User) -> str:
    """What changes whenever the profile does."""
    return version_of(user.name, user.timezone)


def promote(email: str, password: str) -> bool:
    """Make an existing account an admin with a new password and commit; every browser is signed
    out. False: no such account."""
    user = db.session.scalar(select(User).where(User.email == email))
    if user is None:
        return False
    user.is_admin = True
    user.password_hash = hash_password(password)
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id))
    db.session.commit()
    return True


def lock(user_id: int) -> None:
    """Hold the host's row until the transaction ends: bookings of one host queue here."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update()).one()
