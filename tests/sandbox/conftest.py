"""A sandbox as a process of its own, driven over HTTP and SMTP like CalSync drives it."""

import base64
import hashlib
import os
import re
import secrets
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

ROOT = Path(__file__).parents[2]
MEETING = {
    "topic": "Online consultation",
    "type": 2,
    "start_time": "2026-11-03T15:00:00Z",
    "duration": 30,
    "timezone": "Asia/Tokyo",
    "agenda": "Booking 7f3a",
    "default_password": True,
    "settings": {"use_pmi": False, "waiting_room": True},
}


class Process:
    """`python -m sandbox` on free ports, with its own database."""

    def __init__(self, folder, calsync_url):
        self.port, self.smtp_port = free_port(), free_port()
        self.calsync_url = calsync_url
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_SMTP_PORT": str(self.smtp_port),
            "SANDBOX_DATABASE": str(folder / "sandbox.db"),
            "ZOOM_CLIENT_ID": "client-of-calsync",
            "ZOOM_CLIENT_SECRET": "secret-of-calsync",
            "ZOOM_WEBHOOK_SECRETS": "signing-secret,older-secret",
            "PUBLIC_BASE_URL": calsync_url,
        }
        self.running = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.running = subprocess.Popen(
            [sys.executable, "-m", "sandbox"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.running.stdout.readline().startswith("sandbox ready")

    def stop(self, number=signal.SIGTERM):
        """End it; return its exit status."""
        self.running.send_signal(number)
        status = self.running.wait(timeout=5)
        self.running.stdout.close()
        return status


class Zoom:
    """A client of the sandbox: CalSync's server and its host's browser in one."""

    BASIC = ("client-of-calsync", "secret-of-calsync")

    def __init__(self, process):
        self.process = process
        self.redirect_uri = f"{process.calsync_url}/zoom/callback"
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path, **options):
        return self.session.get(self.process.url + path, **options)

    def post(self, path, **options):
        return self.session.post(self.process.url + path, **options)

    def delete(self, path, **options):
        return self.session.delete(self.process.url + path, **options)

    def sign_in(self, name):
        self.session.cookies.set("sandbox_zoom_user", name)

    def asked(self, **changed):
        """The parameters of an authorization that is in order."""
        asked = {
            "response_type": "code",
            "client_id": self.BASIC[0],
            "redirect_uri": self.redirect_uri,
            "state": "state-of-calsync",
        }
        return {name: value for name, value in {**asked, **changed}.items() if value is not None}

    def decide(self, decision, **changed):
        """Press a button of the consent page; return the query of the redirect."""
        page = self.get("/oauth/authorize", params=self.asked(**changed))
        assert page.status_code == 200
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        hidden.pop("next")
        answer = self.post(
            "/oauth/authorize", data={**hidden, "decision": decision}, allow_redirects=False
        )
        assert answer.status_code == 302
        location = answer.headers["Location"]
        assert location.startswith(self.redirect_uri + "?")
        return {name: value[0] for name, value in parse_qs(urlsplit(location).query).items()}

    def code(self, **changed):
        return self.decide("allow", **changed)["code"]

    def exchange(self, code, **changed):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
        }
        return self.post("/oauth/token", auth=self.BASIC, data={**form, **changed})

    def refresh(self, token):
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/oauth/token", auth=self.BASIC, data=form)

    def connect(self, name="aya", scopes=None):
        """Consent as `name`; return the token answer."""
        if scopes is not None:
            self.post("/api/settings", json={"scopes": scopes})
        self.sign_in(name)
        return self.exchange(self.code()).json()

    def call(self, method, path, token, **options):
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.request(
            method, f"{self.process.url}/v2{path}", headers=headers, **options
        )

    def create(self, token, **changed):
        return self.call("POST", "/users/me/meetings", token, json={**MEETING, **changed})

    def fault(self, kind, count=1, seconds=None):
        body = {"kind": kind, "count": count, "seconds": seconds}
        assert self.post("/api/faults", json=body).status_code == 201

    def mails(self, to=""):
        return self.get("/api/mails", params={"to": to}).json()

    def smtp(self, timeout=5):
        return smtplib.SMTP("127.0.0.1", self.process.smtp_port, timeout=timeout)

    def write(self, to="ken@example.com", subject="Hello", text="Hello Ken", timeout=5):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "CalSync <no-reply@example.com>", to, subject
        mail.set_content(text)
        with self.smtp(timeout) as door:
            door.send_message(mail)


class Receiver:
    """CalSync's webhook address: keeps what comes, answers what it is told to."""

    def __init__(self):
        self.requests = []
        self.answers = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = receiver.answers.pop(0) if receiver.answers else (204, b"")
                if callable(answer):
                    answer = answer(body)
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(scope="session")
def calsync():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(scope="session")
def shared_process(tmp_path_factory, calsync):
    process = Process(tmp_path_factory.mktemp("sandbox"), calsync.url)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def zoom(shared_process, calsync):
    """The shared sandbox as on its first day."""
    client = Zoom(shared_process)
    client.post("/api/reset")
    calsync.requests.clear()
    calsync.answers.clear()
    yield client
    client.session.close()


@pytest.fixture
def new_process(tmp_path, calsync):
    """A sandbox not yet started, for tests that end it."""
    process = Process(tmp_path, calsync.url)
    yield process
    if process.running and process.running.poll() is None:
        process.running.kill()
        process.running.wait()
        process.running.stdout.close()


@pytest.fixture
def client_of():
    return Zoom


@pytest.fixture
def until():
    """Wait for a truth that comes from another process, 5 seconds at most."""

    def wait(question):
        ends = time.monotonic() + 5
        while not (answer := question()):
            assert time.monotonic() < ends, "it did not happen"
            time.sleep(0.01)
        return answer

    return wait


@pytest.fixture
def pkce():
    """A verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).decode().rstrip("=")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
