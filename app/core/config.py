"""Every environment variable CalSync reads: typed, checked once, documented in docs/configuration.md.

PUBLIC_BASE_URL decides what is production. `https://` means strict checks: CalSync does not
start while a secret is missing or weak, or while mail or Zoom would travel without TLS.
`http://` is accepted on loopback only; there, `<instance>/development.env` (written by
`make run`) fills in what the environment leaves out.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from .address_checks import split
from .environment import ROOT, Environment
from .start_checks import problems_of, warnings_of


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
    imap_url: str = field(repr=False)
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
    replies_every: timedelta
    warnings: tuple[str, ...] = ()  # what an operator should know, a line each

    @property
    def is_production(self) -> bool:
        return self.public_base_url.startswith("https://")

    @property
    def zoom_origin(self) -> str:
        """Scheme, host and port of the pages Zoom shows; what a Content-Security-Policy names."""
        parts = urlsplit(self.zoom_oauth_base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def mail_domain(self) -> str:
        """The domain of the sender: what is ours in the names of mails and events."""
        return parseaddr(self.mail_from)[1].rpartition("@")[2]

    @property
    def greeting_name(self) -> str:
        """How we greet mail servers: a name, since relays refuse numbers in brackets."""
        host = urlsplit(self.public_base_url).hostname or ""
        is_name = "." in host and not host.replace(".", "").isdecimal() and ":" not in host
        return host if is_name else self.mail_domain

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
        problem for problem in problems_of(settings) if _name_in(problem) not in named
    ]
    if problems:
        raise ConfigurationError(sorted(set(problems)))
    names_hops = bool(source.text("PROXY_HOPS"))
    return replace(settings, warnings=tuple(warnings_of(settings, names_hops=names_hops)))


def _name_in(problem: str) -> str:
    """The variable that a line of ConfigurationError begins with."""
    return problem.partition(" ")[0].rstrip(":").removesuffix("_FILE")


def _read(env: Environment) -> Settings:
    port = env.whole_number("PORT", 5080)
    base = env.text("PUBLIC_BASE_URL", f"http://127.0.0.1:{port}").rstrip("/")
    parts = split(base)
    host = (parts.hostname if parts else None) or "localhost"  # an address without one is refused
    # Beyond this machine nobody may be shown another company's name and address as the operator's.
    is_public = base.startswith("https://")
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
        imap_url=env.text("IMAP_URL"),
        mail_from=env.text("MAIL_FROM", f"CalSync <no-reply@{host}>"),
        support_email=env.required("SUPPORT_EMAIL", "where people who need help write to.")
        if is_public
        else env.text("SUPPORT_EMAIL", "support@calsync.site"),
        support_hours=env.text("SUPPORT_HOURS"),
        support_response_time=env.text("SUPPORT_RESPONSE_TIME"),
        company_name=env.required(
            "COMPANY_NAME", "who offers this service: the legal pages name it."
        )
        if is_public
        else env.text("COMPANY_NAME", "株式会社国際資源"),
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
        replies_every=env.seconds("REPLIES_SECONDS", 60),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _psycopg(url: str) -> str:
    """`postgres://` is what hosting companies hand out; SQLAlchemy knows `postgresql://` only."""
    if url.startswith("postgres://"):
        return "postgresql://" + url.removeprefix("postgres://")
    return url


def prepare_instance(settings: Settings) -> None:
    """Make the folder for the database file and the socket, closed to other users, where one of
    them is meant to be there. Raises ConfigurationError when that cannot be done."""
    folder = settings.instance_path
    database = settings.database_url.startswith("sqlite:///")
    if not database and not settings.redis_url.startswith(f"unix://{folder}"):
        return
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif folder == ROOT / "instance":
            folder.chmod(0o700)  # ours alone; another folder is its operator's to close
    except OSError as error:
        raise ConfigurationError(
            [f"INSTANCE_PATH: {folder} cannot be made or closed to others ({error.strerror})."]
        ) from error


def flask_config(settings: Settings) -> dict[str, Any]:
    """The same settings, in the words of Flask and its extensions."""
    prefix = "__Host-" if settings.is_production else ""
    return {
        "SECRET_KEY": settings.secret_key,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "MAX_CONTENT_LENGTH": 128 * 1024,
        "SESSION_COOKIE_NAME": f"{prefix}calsync",
        # Goes to the sign-in page only, which __Host- would not allow (accounts.known_browsers).
        "KNOWN_BROWSER_COOKIE_NAME": f"{'__Secure-' if settings.is_production else ''}calsync_known",
        "SESSION_COOKIE_SECURE": settings.is_production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # The cookie lives as long as a sign-in can: accounts.service ends one that idles earlier.
        "PERMANENT_SESSION_LIFETIME": timedelta(days=90),
        # Only who changes the session sends the cookie: with parallel requests a late answer
        # would put an old one back, and no cached asset may carry it.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_DEFAULT_TIMEZONE": "UTC",
        "COMPRESS_REGISTER": False,
        "COMPRESS_MIN_SIZE": 400,
    }


def current_settings() -> Settings:
    """The running app's Settings."""
    settings: Settings = current_app.extensions["settings"]
    return settings
