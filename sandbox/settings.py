"""Every environment variable of the sandbox, typed and checked once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

NAMES = (
    "SANDBOX_PORT",
    "SANDBOX_SMTP_PORT",
    "SANDBOX_DATABASE",
    "ZOOM_CLIENT_ID",
    "ZOOM_CLIENT_SECRET",
    "ZOOM_WEBHOOK_SECRETS",
    "PUBLIC_BASE_URL",
)


class BadSettings(Exception):
    """The environment does not describe a sandbox that may start."""


@dataclass(frozen=True)
class Settings:
    """Where the sandbox listens and which CalSync it serves."""

    port: int
    smtp_port: int
    database: Path
    client_id: str
    client_secret: str
    webhook_secrets: tuple[str, ...]
    calsync_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check all variables.

        Raises BadSettings with one line for a person, naming every variable that is missing,
        and when PUBLIC_BASE_URL is a production address.
        """
        missing = [name for name in NAMES if not environment.get(name, "").strip()]
        if missing:
            raise BadSettings(f"set {', '.join(missing)}")
        value = {name: environment[name].strip() for name in NAMES}
        secrets = tuple(s.strip() for s in value["ZOOM_WEBHOOK_SECRETS"].split(",") if s.strip())
        if not secrets:
            raise BadSettings("ZOOM_WEBHOOK_SECRETS holds no secret")
        return cls(
            port=_port("SANDBOX_PORT", value["SANDBOX_PORT"]),
            smtp_port=_port("SANDBOX_SMTP_PORT", value["SANDBOX_SMTP_PORT"]),
            database=Path(value["SANDBOX_DATABASE"]),
            client_id=value["ZOOM_CLIENT_ID"],
            client_secret=value["ZOOM_CLIENT_SECRET"],
            webhook_secrets=secrets,
            calsync_url=_local_address(value["PUBLIC_BASE_URL"]),
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def redirect_uri(self) -> str:
        return f"{self.calsync_url}/zoom/callback"

    @property
    def webhook_url(self) -> str:
        return f"{self.calsync_url}/zoom/webhook"

    @property
    def landing_url(self) -> str:
        return f"{self.calsync_url}/zoom/connect"


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadSettings(f"{name} must be a port number, not {text!r}")
    return int(text)


def _local_address(text: str) -> str:
    """The address without its trailing slash; only plain http on this machine is accepted.

    A stand-in that signs webhooks and hands out tokens to anybody must never stand beside a
    CalSync that the world can reach.
    """
    refused = f"PUBLIC_BASE_URL is {text}: the sandbox serves http on a loopback address only"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadSettings(refused) from None
    if parts.scheme != "http" or not _is_loopback(host):
        raise BadSettings(refused)
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
