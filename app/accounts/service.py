"""Signing up, in and out. The functions here are the only ones of accounts that commit."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from .. import events
from ..core.clock import utcnow
from ..core.crypto import fingerprint, new_token
from ..core.logs import log
from ..db import DATABASE_AWAY, db, delete_some
from ..events import Action, Actor
from ..web.forms import version_of
from .models import Credential, CredentialKind, SignIn, User
from .passwords import hash_password, is_outdated, matches

IDLE_END = timedelta(days=30)
# How far seen_at may lag behind: a write an hour and browser, not one a page.
SEEN_EVERY = timedelta(hours=1)


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
    by: Actor = Actor.HOST,
) -> User:
    """Make a host's account and commit. `email` in lower case, `timezone` an IANA name; `form_key`
    is the once-only key of the form.

    Raises AddressTaken, and changes nothing then; gates.Busy.
    """
    user = User(
        email=email,
        credentials=[_password(hash_password(password))],  # before the transaction begins
        name=name,
        locale=locale,
        timezone=timezone,
        is_admin=is_admin,
        form_key=form_key,
        created_at=utcnow(),
    )
    db.session.add(user)
    try:
        db.session.flush()
        events.record(Action.ACCOUNT_MADE, by, host_id=user.id, is_admin=is_admin)
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AddressTaken from error
    return user


def _password(secret: str) -> Credential:
    return Credential(kind=CredentialKind.PASSWORD, secret=secret, created_at=utcnow())


def made_by(form_key: str) -> User | None:
    """The account that a form with this once-only key has made."""
    return db.session.scalar(select(User).where(User.form_key == form_key))


def authenticate(email: str, password: str) -> User | None:
    """The active user with this address and password, or None. Raises gates.Busy.

    An unknown address costs as much time as a wrong password. No database connection is held
    meanwhile. Commits that the password was used, with a new hash when the library's recommended
    cost has changed since the old one.
    """
    known = db.session.execute(
        select(User.id, Credential.secret)
        .join(User.credentials)
        .where(User.email == email, Credential.kind == CredentialKind.PASSWORD)
    ).one_or_none()
    db.session.rollback()
    if not matches(known.secret if known else None, password) or known is None:
        return None
    _note_password(known.id, known.secret, password)
    user = db.session.get(User, known.id)
    return user if user is not None and user.is_active else None


def _note_password(user_id: int, before: str, password: str) -> None:
    """That it was used, and its hash at today's cost; unless it was changed meanwhile."""
    after = hash_password(password) if is_outdated(before) else before
    db.session.execute(
        update(Credential)
        .where(
            Credential.user_id == user_id,
            Credential.kind == CredentialKind.PASSWORD,
            Credential.secret == before,
        )
        .values(secret=after, last_used_at=utcnow())
    )
    db.session.commit()


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
    """Delete up to `most` sign-ins that have come to their end; commit. Returns how many."""
    began, seen = _ends(utcnow())
    return delete_some(SignIn, or_(SignIn.created_at < began, SignIn.seen_at < seen), most)


def _ends(now: datetime) -> tuple[datetime, datetime]:
    """A sign-in that began, or was last seen, before these is over: after 90 days in any case
    (which is as long as its cookie lives), after 30 without use."""
    return now - current_app.permanent_session_lifetime, now - IDLE_END


def find_by_session(token: str) -> User | None:
    """The active user whose browser carries `token`; that it was used is written down."""
    signed_in: SignIn | None = db.session.scalar(
        select(SignIn).where(SignIn.token_hash == fingerprint(token))
    )
    if signed_in is None or not signed_in.user.is_active:
        return None
    now = utcnow()
    began, seen = _ends(now)
    if signed_in.created_at < began or signed_in.seen_at < seen:
        return None
    if now - signed_in.seen_at > SEEN_EVERY:
        _note_use(signed_in.id, now)
    signed_in.user.session_token = token
    return signed_in.user


def _note_use(session_id: int, now: datetime) -> None:
    """By a connection of its own: the request's transaction is not ours to commit. A database
    that takes no writes just now ends nobody's sign-in."""
    try:
        with db.engine.begin() as connection:
            connection.execute(update(SignIn).where(SignIn.id == session_id).values(seen_at=now))
    except DATABASE_AWAY as error:
        log.warning("use of a sign-in not noted", error=type(error.orig).__name__)


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
    events.record(Action.ACCOUNT_CHANGED, Actor.HOST, host_id=user.id)
    db.session.commit()


def profile_version(user: User) -> str:
    """What changes whenever the profile does."""
    return version_of(user.name, user.timezone)


def find_by_email(email: str) -> User | None:
    """The account with this address."""
    return db.session.scalar(select(User).where(User.email == email))


def promote(user: User, password: str) -> None:
    """Make an account an admin's, with a new password, and commit; every browser is signed out.

    Pages, bookings and connections stay as whoever made the account left them.
    """
    secret = hash_password(password)
    others = [one for one in user.credentials if one.kind != CredentialKind.PASSWORD]
    user.credentials = others
    db.session.flush()  # the old password goes before the new one comes: there is one at most
    user.credentials.append(_password(secret))
    user.is_admin = True
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id))
    events.record(Action.ACCOUNT_TAKEN_OVER, Actor.OPERATOR, host_id=user.id)
    db.session.commit()


def lock(user_id: int) -> None:
    """Hold the host's row until the transaction ends: bookings of one host queue here.

    The lock that keys do not need (PostgreSQL's FOR NO KEY UPDATE): rows that name the host, such
    as a sign-in, are written meanwhile.
    """
    asked = select(User.id).where(User.id == user_id).with_for_update(key_share=True)
    db.session.execute(asked).one()
