"""Every environment variable CalSync reads: typed, checked once, documented in docs/configuration.md.

PUBLIC_BASE_URL decides what is production. `https://` means strict checks: CalSync does not
start while a secret is missing or weak, or while mail or Zoom would travel without TLS.
`http://` is accepted on loopback only; there, `<instance>/development.env` (written by
`make run`) fills in what the environment leaves out.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from .environment import Environment
from .zones import is_timezone

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


class ConfigurationError(Exception):
    """CalSync cannot start like this; `problems` says, a line each, what to set."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says, as values. Lengths are timedeltas; addresses carry no final slash."""

    instance_path: Path
    public_base_url: str
    secret_key: str = field(repr=False)
    token_encryption_keys: tuple[str, ...] = field(repr=False)
    trusted_hosts: tuple[str, ...]
    proxy_hops: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    smtp_url: str = field(repr=False)
    mail_from: str
    support_email: str
    support_hours: str
    support_response_time: str
    company_name: str
    default_timezone: str
    zoom_client_id: str
    zoom_client_secret: str = field(repr=False)
    zoom_webhook_secrets: tuple[str, ...] = field(repr=False)
    zoom_oauth_base_url: str
    zoom_api_base_url: str
    zoom_marketplace_url: str
    zoom_verification: str
    sandbox_url: str
    ratelimit_enabled: bool
    log_level: str
    sweep_every: timedelta
    zoom_connect_timeout: timedelta
    zoom_read_timeout: timedelta
    lease: timedelta
    retry_first: timedelta
    retry_longest: timedelta
    link_wait: timedelta
    enqueue_again_after: timedelta

    @property
    def is_production(self) -> bool:
        return self.public_base_url.startswith("https://")

    @property
    def zoom_origin(self) -> str:
        """Scheme, host and port of the pages Zoom shows; what a Content-Security-Policy names."""
        parts = urlsplit(self.zoom_oauth_base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def uses_sandbox(self) -> bool:
        return bool(self.sandbox_url)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Raises ConfigurationError naming every variable that is missing or wrong, all at once.
    """
    source = Environment(os.environ if environ is None else environ)
    settings = _read(source)
    named = {_name_in(problem) for problem in source.problems}
    problems = source.problems + [
        problem for problem in _problems_of(settings) if _name_in(problem) not in named
    ]
    if problems:
        raise ConfigurationError(sorted(set(problems)))
    return settings


def _name_in(problem: str) -> str:
    """The variable that a line of ConfigurationError begins with."""
    return problem.partition(" ")[0].rstrip(":").removesuffix("_FILE")


def _read(env: Environment) -> Settings:
    port = env.whole_number("PORT", 5080)
    base = env.text("PUBLIC_BASE_URL", f"http://127.0.0.1:{port}").rstrip("/")
    host = urlsplit(base).hostname or ""
    return Settings(
        instance_path=env.instance_path,
        public_base_url=base,
        secret_key=env.required(
            "SECRET_KEY",
            "a random text of 32 or more characters (`make run` makes one).",
        ),
        token_encryption_keys=_split(
            env.required(
                "TOKEN_ENCRYPTION_KEYS",
                "one or more Fernet keys, separated by commas; the first encrypts.",
            )
        ),
        trusted_hosts=env.several("TRUSTED_HOSTS", host),
        proxy_hops=env.whole_number("PROXY_HOPS", 0),
        database_url=_psycopg(
            env.text("DATABASE_URL", f"sqlite:///{env.instance_path / 'calsync.db'}")
        ),
        redis_url=env.text("REDIS_URL", f"unix://{env.instance_path / 'valkey.sock'}"),
        smtp_url=env.required("SMTP_URL", "smtp://user:password@host:port, or smtps://…"),
        mail_from=env.text("MAIL_FROM", f"CalSync <no-reply@{host}>"),
        support_email=env.text("SUPPORT_EMAIL", "support@calsync.site"),
        support_hours=env.text("SUPPORT_HOURS"),
        support_response_time=env.text("SUPPORT_RESPONSE_TIME"),
        company_name=env.text("COMPANY_NAME", "株式会社国際資源"),
        default_timezone=env.text("DEFAULT_TIMEZONE", "Asia/Tokyo"),
        zoom_client_id=env.required("ZOOM_CLIENT_ID", "the app's client ID at Zoom."),
        zoom_client_secret=env.required("ZOOM_CLIENT_SECRET", "the app's client secret at Zoom."),
        zoom_webhook_secrets=_split(
            env.required("ZOOM_WEBHOOK_SECRETS", "the app's webhook secret token at Zoom.")
        ),
        zoom_oauth_base_url=env.text("ZOOM_OAUTH_BASE_URL", "https://zoom.us").rstrip("/"),
        zoom_api_base_url=env.text("ZOOM_API_BASE_URL", "https://api.zoom.us/v2").rstrip("/"),
        zoom_marketplace_url=env.text("ZOOM_MARKETPLACE_URL", "https://marketplace.zoom.us/"),
        zoom_verification=env.text("ZOOM_VERIFICATION"),
        sandbox_url=env.text("SANDBOX_URL").rstrip("/"),
        ratelimit_enabled=env.switch("RATELIMIT_ENABLED", True),
        log_level=env.text("LOG_LEVEL", "INFO").upper(),
        sweep_every=env.seconds("SWEEP_SECONDS", 2),
        zoom_connect_timeout=env.seconds("ZOOM_CONNECT_SECONDS", 5),
        zoom_read_timeout=env.seconds("ZOOM_READ_SECONDS", 20),
        lease=env.seconds("LEASE_SECONDS", 45),
        retry_first=env.seconds("RETRY_FIRST_SECONDS", 2),
        retry_longest=env.seconds("RETRY_LONGEST_SECONDS", 600),
        link_wait=env.seconds("LINK_WAIT_SECONDS", 120),
        enqueue_again_after=env.seconds("ENQUEUE_AGAIN_SECONDS", 30),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _psycopg(url: str) -> str:
    """`postgres://` is what hosting companies hand out; SQLAlchemy knows `postgresql://` only."""
    if url.startswith("postgres://"):
        return "postgresql://" + url.removeprefix("postgres://")
    return url


def _problems_of(settings: Settings) -> list[str]:
    problems = [*_keys_that_are_not_fernet(settings)]
    if not is_timezone(settings.default_timezone):
        problems.append(f"DEFAULT_TIMEZONE: {settings.default_timezone!r} is no IANA time zone.")
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        problems.append("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if not _is_smtp(settings.smtp_url):
        problems.append("SMTP_URL must begin with smtp:// or smtps://, and its port be a number.")
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


def _is_smtp(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"smtp", "smtps"} and (parts.port or 1) > 0
    except ValueError:
        return False


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
    weak = settings.secret_key.lower() in WEAK_SECRETS
    if weak or len(settings.secret_key) < SHORTEST_SECRET or len(set(settings.secret_key)) < 10:
        problems.append(f"SECRET_KEY is weak: use {SHORTEST_SECRET} or more random characters.")
    if settings.sandbox_url:
        problems.append("SANDBOX_URL is for development only: unset it.")
    for name, url in (
        ("ZOOM_OAUTH_BASE_URL", settings.zoom_oauth_base_url),
        ("ZOOM_API_BASE_URL", settings.zoom_api_base_url),
    ):
        if not url.startswith("https://"):
            problems.append(f"{name} must begin with https:// in production.")
    if settings.redis_url.startswith(f"unix://{settings.instance_path}"):
        problems.append("REDIS_URL is not set: a Valkey or Redis that every process reaches.")
    if not settings.trusted_hosts:
        problems.append("TRUSTED_HOSTS is empty: name the hosts that CalSync answers to.")
    return problems


def _loopback_problems(settings: Settings) -> list[str]:
    parts = urlsplit(settings.public_base_url)
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        return ["PUBLIC_BASE_URL must begin with https:// (http:// is for loopback only)."]
    return []


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def flask_config(settings: Settings) -> dict[str, Any]:
    """The same settings, in the words of Flask and its extensions."""
    prefix = "__Host-" if settings.is_production else ""
    return {
        "SECRET_KEY": settings.secret_key,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "MAX_CONTENT_LENGTH": 256 * 1024,
        "SESSION_COOKIE_NAME": f"{prefix}calsync",
        "SESSION_COOKIE_SECURE": settings.is_production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=30),
        # Only who changes the session sends the cookie: with parallel requests a late answer
        # would put an old one back, and no cached asset may carry it.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "RATELIMIT_ENABLED": settings.ratelimit_enabled,
        "RATELIMIT_STORAGE_URI": "steady+" + _limits_uri(settings.redis_url),  # rate_limits.py
        "RATELIMIT_STRATEGY": "fixed-window",
        "RATELIMIT_HEADERS_ENABLED": True,  # a 429 says when to come back
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_DEFAULT_TIMEZONE": "UTC",
        "COMPRESS_REGISTER": False,
        "COMPRESS_MIN_SIZE": 400,
    }


def _limits_uri(redis_url: str) -> str:
    """Flask-Limiter's `limits` spells a unix socket `redis+unix://`."""
    if redis_url.startswith("unix://"):
        return "redis+" + redis_url
    return redis_url
