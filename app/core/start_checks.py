"""What is wrong with the settings, before anything starts with them."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from ..i18n.zones import is_timezone
from .address_checks import address_problems, is_loopback, split, unsealed_ways

if TYPE_CHECKING:
    from .config import Settings

WEAK_SECRETS = {
    "secret",
    "changeme",
    "change-me",
    "password",
    "dev",
    "development",
    "test",
}
SHORTEST_SECRET = 32
SHORTEST_ZOOM_SECRET = 16  # Zoom's own have 22 characters and more


def problems_of(settings: Settings) -> list[str]:
    """A line each, beginning with the variable's name; empty when CalSync can start."""
    problems = [*_keys_that_are_not_fernet(settings)]
    if not is_timezone(settings.default_timezone):
        problems.append(f"DEFAULT_TIMEZONE: {settings.default_timezone!r} is no IANA time zone.")
    problems += address_problems(settings)
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        problems.append("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if not _is_sender(settings.mail_from):
        problems.append(
            "MAIL_FROM must be an address in ASCII, or a name with one: CalSync <no-reply@host>."
        )
    if settings.zoom_connect_timeout + settings.zoom_read_timeout >= settings.lease:
        problems.append(
            "LEASE_SECONDS must be longer than ZOOM_CONNECT_SECONDS and ZOOM_READ_SECONDS together."
        )
    if settings.is_production:
        return problems + _production_problems(settings)
    return problems + _loopback_problems(settings)


def _is_sender(text: str) -> bool:
    """An international domain goes in its ASCII spelling: it stands in every header's address."""
    address = parseaddr(text)[1]
    local, _at, domain = address.rpartition("@")
    return bool(local and domain) and address.isascii()


def _keys_that_are_not_fernet(settings: Settings) -> list[str]:
    for key in settings.token_encryption_keys:
        try:
            Fernet(key)
        except ValueError:
            return [
                "TOKEN_ENCRYPTION_KEYS: each must be 32 random bytes in URL-safe base64"
                " (cryptography's Fernet.generate_key)."
            ]
    return []


def _production_problems(settings: Settings) -> list[str]:
    problems = []
    if _is_weak(settings.secret_key, SHORTEST_SECRET):
        problems.append(f"SECRET_KEY is weak: use {SHORTEST_SECRET} or more random characters.")
    for name, secrets in (
        ("ZOOM_CLIENT_SECRET", (settings.zoom_client_secret,)),
        ("ZOOM_WEBHOOK_SECRETS", settings.zoom_webhook_secrets),
    ):
        if any(_is_weak(secret, SHORTEST_ZOOM_SECRET) for secret in secrets):
            problems.append(f"{name} is too short to be Zoom's: copy it from the app's page there.")
    if settings.sandbox_url:
        problems.append("SANDBOX_URL is for development only: unset it.")
    for name, url in (
        ("ZOOM_OAUTH_BASE_URL", settings.zoom_oauth_base_url),
        ("ZOOM_API_BASE_URL", settings.zoom_api_base_url),
    ):
        if url.startswith("http://"):
            problems.append(f"{name} must begin with https:// in production.")
    if settings.redis_url.startswith(f"unix://{settings.instance_path}"):
        problems.append("REDIS_URL is not set: a Valkey or Redis that every process reaches.")
    if not settings.trusted_hosts:
        problems.append("TRUSTED_HOSTS is empty: name the hosts that CalSync answers to.")
    return problems


def _is_weak(secret: str, shortest: int) -> bool:
    """Known to everybody, short, or of a few characters repeated."""
    return secret.lower() in WEAK_SECRETS or len(secret) < shortest or len(set(secret)) < 8


def _loopback_problems(settings: Settings) -> list[str]:
    parts = split(settings.public_base_url)
    if parts is not None and (parts.scheme != "http" or not is_loopback(parts.hostname or "")):
        return ["PUBLIC_BASE_URL must begin with https:// (http:// is for loopback only)."]
    return []


def warnings_of(settings: Settings, *, names_hops: bool) -> list[str]:
    """What CalSync starts with, but an operator should know: a line each, beginning with the
    variable's name. `names_hops`: PROXY_HOPS is set, to whatever number."""
    if not settings.is_production:
        return []
    warnings = unsealed_ways(settings)
    if not names_hops:
        warnings.append(
            "PROXY_HOPS is not set: behind a proxy all visitors then count as one, and share one"
            " limit. Set it to the number of your proxies, or to 0 where there is none."
        )
    return warnings
