"""Meetings: what Zoom accepts, keeps and answers.

https://developers.zoom.us/docs/api/meetings/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import sqlite3
from base64 import b64encode
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sandbox.clock import iso, now, utc_day
from sandbox.people import Person
from sandbox.settings import Settings
from sandbox.store import Store

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
START_LINK_SECONDS = 2 * 3600
LISTED_AGENDA = 250
TOPIC_LENGTH = 200  # UTF-16 units, as JavaScript counts
SETTINGS = {
    "host_video": False,
    "participant_video": False,
    "join_before_host": False,
    "mute_upon_entry": False,
    "waiting_room": True,
    "use_pmi": False,
    "approval_type": 2,
    "auto_recording": "none",
}


class Invalid(Exception):
    """Fields that Zoom refuses (code 300), each with its reason."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


class DailyLimit(Exception):
    """The user has created and updated as many meetings as a UTC day allows."""


def check(body: dict[str, Any], *, is_new: bool) -> None:
    """Raise Invalid for what Zoom would refuse.

    A start without Z is refused too: Zoom would read it in `timezone`, and CalSync must
    never depend on that.
    """
    wrong: dict[str, str] = {}
    if "topic" in body or is_new:
        topic = body.get("topic")
        if not isinstance(topic, str) or not topic.strip():
            wrong["topic"] = "Invalid field."
        elif len(topic.encode("utf-16-le", "surrogatepass")) // 2 > TOPIC_LENGTH:
            wrong["topic"] = "Size should be less than or equal to 200."
    if "agenda" in body and not (isinstance(body["agenda"], str) and len(body["agenda"]) <= 2000):
        wrong["agenda"] = "Size should be less than or equal to 2000."
    if ("type" in body or is_new) and body.get("type", 2) != 2:
        wrong["type"] = "The sandbox keeps scheduled meetings only: type 2."
    if ("start_time" in body or is_new) and not _is_utc(body.get("start_time")):
        wrong["start_time"] = "Expected yyyy-MM-ddTHH:mm:ssZ."
    if "duration" in body or is_new:
        minutes = body.get("duration")
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 < minutes <= 1440:
            wrong["duration"] = "Expected whole minutes."
    if "timezone" in body and body["timezone"] not in available_timezones():
        wrong["timezone"] = "Invalid time zone."
    if "settings" in body and not isinstance(body["settings"], dict):
        wrong["settings"] = "Expected an object."
    if wrong:
        raise Invalid(wrong)


def count_write(store: Store, person: Person, limit: int) -> None:
    """Count a create or update of `person` today. Commits. Raises DailyLimit."""
    with store.writing() as db:
        counted = db.execute(
            "INSERT INTO meeting_writes SELECT ?, ?, 1 WHERE ? > 0"
            " ON CONFLICT (person, on_day) DO UPDATE SET number = number + 1 WHERE number < ?",
            (person.key, utc_day(now()), limit, limit),
        ).rowcount
    if not counted:
        raise DailyLimit


def create(store: Store, person: Person, body: dict[str, Any]) -> sqlite3.Row:
    """Keep a checked meeting and return it. Commits."""
    meeting_id = _free_id(store)
    password = body.get("password") or (_passcode() if body.get("default_password", True) else None)
    with store.writing() as db:
        db.execute(
            "INSERT INTO meetings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                meeting_id,
                b64encode(secrets.token_bytes(16)).decode(),
                person.key,
                body["topic"],
                body.get("agenda", ""),
                body["start_time"],
                body["duration"],
                body.get("timezone", "UTC"),
                password,
                secrets.token_urlsafe(18) + ".1",
                json.dumps({**SETTINGS, **body.get("settings", {})}),
                now(),
                now(),
            ),
        )
    row = find(store, person, meeting_id)
    assert row is not None
    return row


def find(store: Store, person: Person | None, meeting_id: int) -> sqlite3.Row | None:
    """A live meeting of `person` (of anybody for None); a meeting of others does not exist."""
    if meeting_id >= 2**63:
        return None
    row = store.row("SELECT * FROM meetings WHERE id = ? AND deleted_at IS NULL", meeting_id)
    return row if row and (person is None or row["person"] == person.key) else None


def change(store: Store, meeting: sqlite3.Row, body: dict[str, Any]) -> None:
    """Apply checked fields. Commits. The id, the links and the passcode stay."""
    kept = {
        name: body.get(name, meeting[name])
        for name in ("topic", "agenda", "start_time", "duration", "timezone")
    }
    merged = {**json.loads(meeting["settings"]), **body.get("settings", {})}
    with store.writing() as db:
        db.execute(
            "UPDATE meetings SET topic = ?, agenda = ?, start_time = ?, duration = ?,"
            " timezone = ?, settings = ?, changed_at = ? WHERE id = ?",
            (*kept.values(), json.dumps(merged), now(), meeting["id"]),
        )


def delete(store: Store, meeting: sqlite3.Row) -> None:
    """Commits."""
    with store.writing() as db:
        db.execute("UPDATE meetings SET deleted_at = ? WHERE id = ?", (now(), meeting["id"]))


def of_person(store: Store, person: Person, limit: int, offset: int) -> list[sqlite3.Row]:
    """Live meetings, by their start."""
    return store.rows(
        "SELECT * FROM meetings WHERE person = ? AND deleted_at IS NULL"
        " ORDER BY start_time, id LIMIT ? OFFSET ?",
        person.key,
        limit,
        offset,
    )


def as_answer(meeting: sqlite3.Row, settings: Settings) -> dict[str, Any]:
    """The meeting as Zoom gives it to its host; `password` is absent when there is none."""
    person = Person(meeting["person"])
    answer: dict[str, Any] = {
        "uuid": meeting["uuid"],
        "id": meeting["id"],
        "host_id": person.user_id,
        "host_email": person.email,
        "topic": meeting["topic"],
        "type": 2,
        "status": "waiting",
        "start_time": meeting["start_time"],
        "duration": meeting["duration"],
        "timezone": meeting["timezone"],
        "agenda": meeting["agenda"],
        "created_at": iso(meeting["created_at"]),
        "start_url": start_url(meeting, settings),
        "join_url": join_url(meeting, settings),
        "settings": json.loads(meeting["settings"]),
    }
    if meeting["password"]:
        answer["password"] = meeting["password"]
    return answer


def as_listed(meeting: sqlite3.Row, settings: Settings) -> dict[str, Any]:
    """The shorter form of Zoom's list, with the agenda cut off."""
    answer = as_answer(meeting, settings)
    names = [
        "uuid",
        "id",
        "host_id",
        "topic",
        "type",
        "start_time",
        "duration",
        "timezone",
        "created_at",
        "join_url",
    ]
    return {
        **{name: answer[name] for name in names},
        "agenda": answer["agenda"][:LISTED_AGENDA],
    }


def join_url(meeting: sqlite3.Row, settings: Settings) -> str:
    return f"{settings.base_url}/j/{meeting['id']}?pwd={meeting['pwd']}"


def start_url(meeting: sqlite3.Row, settings: Settings) -> str:
    """Gives host rights for two hours: the end of that time, signed, is in the address."""
    ends_at = int(now()) + START_LINK_SECONDS
    zak = f"{ends_at}.{_zak_signature(meeting['id'], ends_at, settings)}"
    return f"{settings.base_url}/s/{meeting['id']}?zak={zak}"


def may_start(meeting: sqlite3.Row, zak: str, settings: Settings) -> bool:
    """Whether this start link is ours and not too old."""
    ends_at, _, signature = zak.partition(".")
    if not ends_at.isdecimal() or int(ends_at) < now():
        return False
    expected = _zak_signature(meeting["id"], int(ends_at), settings)
    return hmac.compare_digest(signature.encode(), expected.encode())


def _is_utc(text: Any) -> bool:
    if not isinstance(text, str) or not UTC_TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _free_id(store: Store) -> int:
    """11 digits, as Zoom's are: more than 32 bits hold."""
    while True:
        number = 80_000_000_000 + secrets.randbelow(10_000_000_000)
        if store.row("SELECT 1 FROM meetings WHERE id = ?", number) is None:
            return number


def _passcode() -> str:
    letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(letters) for _ in range(6))


def _zak_signature(meeting_id: int, ends_at: int, settings: Settings) -> str:
    message = f"{meeting_id}:{ends_at}".encode()
    return hmac.new(settings.client_secret.encode(), message, hashlib.sha256).hexdigest()
