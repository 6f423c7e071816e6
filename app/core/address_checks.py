"""What is wrong with the addresses among the settings, told by name instead of by a traceback."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from redis.connection import parse_url
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from .config import Settings

DATABASES = {"sqlite", "postgresql", "postgresql+psycopg"}
SEALED = {"require", "verify-ca", "verify-full"}  # libpq's sslmode
FOLDER = re.compile(r"/?|/[!-~ ]+")  # visible ASCII: what IMAP takes as it is
HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)
# Names of these endings are given by a private network's own name server (RFC 6762, RFC 8375,
# ICANN's .internal, Kubernetes), as are names without a dot, such as a container's.
PRIVATE_ENDINGS = (".local", ".internal", ".home.arpa", ".lan", ".svc")


def address_problems(settings: Settings) -> list[str]:
    """A line for each address that cannot be one, beginning with its variable's name."""
    return [
        *_base_problems(settings.public_base_url),
        *_database_problems(settings.database_url),
        *_queue_problems(settings.redis_url),
        *_mail_problems(settings.smtp_url),
        *_replies_problems(settings.imap_url),
        *_host_problems(settings.trusted_hosts),
        *_zoom_problems(settings),
    ]


def split(url: str) -> SplitResult | None:
    """The parts of an address with a host; None where it has none, or its port is no number."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and (parts.port or 1) > 0 else None
    except ValueError:
        return None


def _base_problems(url: str) -> Iterator[str]:
    parts = split(url)
    if parts is None:
        yield "PUBLIC_BASE_URL must be an address like https://your.host."
    elif parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        yield (
            "PUBLIC_BASE_URL must end after the host: CalSync answers at the root of a host of its"
            " own, not below a path."
        )


def _database_problems(url: str) -> Iterator[str]:
    parsed = _database(url)
    if parsed is None:
        yield (
            "DATABASE_URL must be an address like postgresql://user:password@host:5432/name;"
            " @ : / ? # in a password are written in percent, @ as %40."
        )
    elif parsed.drivername not in DATABASES:
        yield "DATABASE_URL must begin with postgresql:// or sqlite://."


def _database(url: str) -> URL | None:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def _queue_problems(url: str) -> Iterator[str]:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        yield (
            "REDIS_URL must begin with redis://, rediss:// or unix://, also for Valkey, and end with"
            " a number, as redis://user:password@host:6379/0; @ : / ? # in a password are written in"
            " percent, @ as %40."
        )


def _mail_problems(url: str) -> Iterator[str]:
    parts = split(url)
    if parts is None or parts.scheme not in {"smtp", "smtps"} or parts.path.strip("/"):
        yield "SMTP_URL must be an address like smtp://user:password@host:587 or smtps://host:465."
    elif parts.netloc.count("@") > 1:
        yield "SMTP_URL has more than one @: in a user name or password it is written as %40."


def _replies_problems(url: str) -> Iterator[str]:
    if not url:
        return
    parts = split(url)
    if (
        parts is None
        or parts.scheme not in {"imap", "imaps"}
        or not (parts.username and parts.password)
        or not FOLDER.fullmatch(parts.path)
        or parts.query
        or parts.fragment
    ):
        yield (
            "IMAP_URL must be an address like imaps://user:password@host:993/INBOX; @ : / ? # in a"
            " user name or password are written in percent, @ as %40."
        )
    elif parts.netloc.count("@") > 1:
        yield "IMAP_URL has more than one @: in a user name or password it is written as %40."
    elif parts.scheme == "imap" and not is_loopback(parts.hostname or ""):
        yield "IMAP_URL must begin with imaps:// (imap:// is for loopback only)."


def _host_problems(hosts: tuple[str, ...]) -> Iterator[str]:
    for host in hosts:
        name = host.removeprefix(".")  # Werkzeug takes .example.com for all hosts below it
        if not (HOST_NAME.fullmatch(name) or _ip_of(name.strip("[]"))):
            yield (
                f"TRUSTED_HOSTS: {host!r} is no host name. Names are separated by commas, without"
                " scheme, port or asterisk."
            )


def _zoom_problems(settings: Settings) -> Iterator[str]:
    for name, url in (
        ("ZOOM_OAUTH_BASE_URL", settings.zoom_oauth_base_url),
        ("ZOOM_API_BASE_URL", settings.zoom_api_base_url),
        ("ZOOM_MARKETPLACE_URL", settings.zoom_marketplace_url),
    ):
        parts = split(url)
        if parts is None or parts.scheme not in {"http", "https"}:
            yield f"{name} must be an address that begins with https://."


def unsealed_ways(settings: Settings) -> list[str]:
    """A line for each server that is reached without TLS across a network that is not private."""
    warnings = []
    database = _database(settings.database_url)
    if (
        database is not None
        and database.host
        and not _is_near(database.host)
        and database.query.get("sslmode") not in SEALED
    ):
        warnings.append(
            "DATABASE_URL does not ask for TLS, and its host is not in a private network by its name:"
            " add ?sslmode=verify-full (or require)."
        )
    queue = split(settings.redis_url)
    if queue is not None and queue.scheme == "redis" and not _is_near(queue.hostname or ""):
        warnings.append(
            "REDIS_URL is without TLS, and its host is not in a private network by its name: use"
            " rediss://."
        )
    return warnings


def _is_near(host: str) -> bool:
    """Whether `host` is this machine or, as far as its name tells, in a private network."""
    if address := _ip_of(host):
        return address.is_loopback or address.is_private or address.is_link_local
    # A path is a socket's folder.
    return host.startswith("/") or "." not in host or host.lower().endswith(PRIVATE_ENDINGS)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, by its name or its number."""
    address = _ip_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
