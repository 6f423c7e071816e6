"""Events from Zoom to the app: signed, sent in the background, and sent again.

https://developers.zoom.us/docs/api/webhooks/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from typing import Any

import requests

from sandbox import choices
from sandbox.clock import iso, now
from sandbox.people import Person
from sandbox.settings import Settings
from sandbox.store import Store

ANSWER_SECONDS = 3


@dataclass(frozen=True)
class Verdict:
    """What came of a URL validation, in words for a person."""

    valid: bool
    status: int | None
    words: str


class Courier:
    """Takes events to the app. One thread, one event at a time, oldest due first."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._news = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier run left undelivered."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new. An attempt on its way may be cut off; the next run repeats it."""
        self._stopping = True
        self._news.set()
        self._thread.join(timeout=0.2)

    def send(self, event: str, body: dict[str, Any]) -> None:
        """Queue an event. Commits."""
        with self._store.writing() as db:
            db.execute(
                "INSERT INTO deliveries (event, body, made_at, attempts, due_at, state)"
                " VALUES (?, ?, ?, 0, ?, 'waiting')",
                (event, json.dumps(body, separators=(",", ":")), now(), now()),
            )
        self._news.set()

    def validate_url(self) -> Verdict:
        """Ask the webhook address to prove that it knows the secret, as Zoom does every 72 h."""
        plain = secrets.token_urlsafe(16)
        body = {
            "payload": {"plainToken": plain},
            "event_ts": int(now() * 1000),
            "event": "endpoint.url_validation",
        }
        try:
            answer = self._post(json.dumps(body))
        except requests.RequestException as error:
            return Verdict(False, None, f"No answer: {type(error).__name__}")
        expected = {
            "plainToken": plain,
            "encryptedToken": _hmac(self._settings.webhook_secrets[0], plain.encode()),
        }
        if answer.status_code != 200:
            return Verdict(False, answer.status_code, f"Answered {answer.status_code}, not 200")
        try:
            proved = answer.json() == expected
        except ValueError:
            return Verdict(False, 200, "The answer is not JSON")
        if not proved:
            return Verdict(False, 200, "plainToken or encryptedToken is wrong")
        return Verdict(True, 200, "The address is valid")

    def _run(self) -> None:
        while not self._stopping:
            self._news.clear()
            due = self._store.row(
                "SELECT * FROM deliveries WHERE state = 'waiting' ORDER BY due_at, id LIMIT 1"
            )
            wait = due["due_at"] - now() if due else None
            if due is None or (wait is not None and wait > 0):
                self._news.wait(wait)
            else:
                self._attempt(due)

    def _attempt(self, delivery: sqlite3.Row) -> None:
        """Send once. Only a status of 500 and above, or no answer, is tried again."""
        try:
            status = self._post(delivery["body"]).status_code
            answer = str(status)
        except requests.RequestException as error:
            status, answer = None, type(error).__name__
        waits = choices.current(self._store).webhook_retries
        attempts = delivery["attempts"] + 1
        due_at = now()
        if status is not None and status < 500:
            state = "accepted" if status < 300 else "refused"
        elif attempts > len(waits):
            state = "given up"
        else:
            # Zoom counts its waits from the attempt before.
            state, due_at = "waiting", now() + waits[attempts - 1]
        with self._store.writing() as db:
            db.execute(
                "UPDATE deliveries SET attempts = ?, due_at = ?, last_answer = ?, state = ?"
                " WHERE id = ?",
                (attempts, due_at, answer, state, delivery["id"]),
            )

    def _post(self, body: str) -> requests.Response:
        """The signature covers the time of this attempt, so that a retry is fresh."""
        at = str(int(now()))
        signed = f"v0:{at}:{body}".encode()
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment is not for this machine
            return session.post(
                self._settings.webhook_url,
                data=body.encode(),
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "User-Agent": "sandbox-webhooks",
                    "x-zm-request-timestamp": at,
                    "x-zm-signature": "v0=" + _hmac(self._settings.webhook_secrets[0], signed),
                },
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )


def deauthorized(settings: Settings, store: Store, person: Person) -> dict[str, Any]:
    """The event that tells the app of its removal by `person`, now.

    https://developers.zoom.us/docs/api/rest/other-references/data-deauthorization/
    """
    at = now()
    payload = {
        "account_id": person.account_id,
        "user_id": person.user_id,
        "signature": secrets.token_hex(32),
        "deauthorization_time": iso(at, "milliseconds"),
        "client_id": settings.client_id,
    }
    if retention := choices.current(store).data_retention:
        payload["user_data_retention"] = retention
    return {"event": "app_deauthorized", "event_ts": int(at * 1000), "payload": payload}


def deliveries(store: Store) -> list[dict[str, Any]]:
    """All events, newest first."""
    rows = store.rows("SELECT * FROM deliveries ORDER BY id DESC LIMIT 200")
    return [
        {**dict(row), "body": json.loads(row["body"]), "made_at": iso(row["made_at"])}
        for row in rows
    ]


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
