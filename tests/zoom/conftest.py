"""A sandbox that the app talks to over HTTP, for what a laid-out answer cannot show."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from flask import Flask

from app.accounts.models import User
from app.core.config import Settings
from app.core.environment import ROOT
from app.zoom import oauth
from tests.support.cast import (
    connect_zoom,
    make_host,
)
from tests.support.services import free_ports
from tests.support.stack import clean_environment
from tests.zoom.events import ZOOM_USER
from tests.zoom.steps import TOKEN, tokens
from tests.zoom.webhook_steps import an_hour_ago

REDIRECT = "http://127.0.0.1:5080/zoom/callback"
BASIC = ("client-id", "client-secret")


@dataclass
class Sandbox:
    """A running stand-in for Zoom."""

    url: str

    def choose(self, **settings: Any) -> None:
        requests.post(f"{self.url}/api/settings", json=settings, timeout=10).raise_for_status()

    def reset(self) -> None:
        """As on its first day."""
        requests.post(f"{self.url}/api/reset", timeout=10).raise_for_status()

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        """Let the next calls of that kind fail."""
        ordered = {"kind": kind, "count": count} | more
        requests.post(f"{self.url}/api/faults", json=ordered, timeout=10).raise_for_status()

    def grant(self, person: str) -> oauth.Grant:
        """What `person` grants by pressing Allow; the app's context decides how it is read."""
        asked = {"response_type": "code", "client_id": BASIC[0], "redirect_uri": REDIRECT}
        allowed = requests.post(
            f"{self.url}/oauth/authorize",
            data=asked | {"decision": "allow"},
            cookies={"sandbox_zoom_user": person},
            allow_redirects=False,
            timeout=10,
        )
        [code] = parse_qs(urlsplit(allowed.headers["Location"]).query)["code"]
        answer = requests.post(
            f"{self.url}/oauth/token",
            data={"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT},
            auth=BASIC,
            timeout=10,
        )
        return oauth._grant(answer.json())

    def get(self, what: str) -> list[dict[str, Any]]:
        """`calls`, `meetings` or `webhooks`."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/api/{what}", timeout=10).json()
        return found


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests: to start it takes longer than most of them."""
    port, smtp_port = free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=clean_environment()
        | {
            "SANDBOX_PORT": str(port),
            "SANDBOX_SMTP_PORT": str(smtp_port),
            "SANDBOX_DATABASE": str(tmp_path_factory.mktemp("zoom") / "sandbox.db"),
            "ZOOM_CLIENT_ID": BASIC[0],
            "ZOOM_CLIENT_SECRET": BASIC[1],
            "ZOOM_WEBHOOK_SECRETS": "webhook-secret",
            "PUBLIC_BASE_URL": "http://127.0.0.1:5080",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("sandbox ready")
        yield Sandbox(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


@pytest.fixture
def sandbox(
    app: Flask, change_settings: Callable[..., Settings], running_sandbox: Sandbox
) -> Sandbox:
    """A sandbox as on its first day, which the app takes for Zoom."""
    url = running_sandbox.url
    running_sandbox.reset()
    change_settings(zoom_oauth_base_url=url, zoom_api_base_url=f"{url}/v2")
    return running_sandbox


@pytest.fixture
def token_answer(wire: responses.RequestsMock) -> responses.BaseResponse:
    return wire.post(TOKEN, json=tokens(1))


@pytest.fixture
def host(app: Flask) -> User:
    """Aya, connected for an hour as a Zoom user that we know."""
    aya = make_host()
    connect_zoom(
        aya,
        zoom_user_id=ZOOM_USER,
        zoom_account_id="EabCDEFghiLHMA",
        zoom_email="aya@zoom.example",
        authorized_at=an_hour_ago(),
    )
    return aya
