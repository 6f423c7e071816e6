"""Settings that can be changed while the sandbox runs, by `POST /api/settings`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.store import Store

# The permissions that the sandbox knows, in the words of the consent page.
SCOPES = {
    "meeting:write:meeting": "Create Zoom meetings when a booking is confirmed",
    "meeting:read:meeting": "Read meeting details to display in the CalSync dashboard",
    "meeting:update:meeting": "Move a meeting when its booking is rescheduled",
    "meeting:delete:meeting": "Remove a meeting when its booking is cancelled",
    "meeting:read:list_meetings": "Find meetings that CalSync created",
    "user:read:user": "Read your Zoom name and mail address",
    # The same in the classic family, and with an administrator's reach.
    "meeting:write": "Create, change and remove meetings (classic)",
    "meeting:read": "Read meetings (classic)",
    "meeting:write:meeting:admin": "Create meetings (administrator)",
    "meeting:read:meeting:admin": "Read meeting details (administrator)",
    "meeting:write:admin": "Create, change and remove meetings (classic, administrator)",
    "meeting:read:admin": "Read meetings (classic, administrator)",
}
# What the event of a removal says about the data: left to the app, to be deleted, or nothing.
RETENTIONS = ("true", "false", "")


class BadChoice(Exception):
    """A setting that does not exist, or a value that it cannot take."""


@dataclass(frozen=True)
class Choices:
    """The app's registration at this Zoom, and how strict this Zoom is.

    `expires_in` counts seconds of an access token; `scopes` are granted by the next consent
    (earlier grants keep theirs); `webhook_retries` are the seconds after the first attempt of
    an event (Zoom waits as many minutes); `daily_limit` counts a user's creates and updates;
    `data_retention` is what the event of a removal says in `user_data_retention`, '' for nothing.
    """

    expires_in: int = 3599
    scopes: tuple[str, ...] = ("meeting:read:meeting", "meeting:write:meeting")
    webhook_retries: tuple[float, ...] = (5, 20, 60)
    daily_limit: int = 100
    data_retention: str = "false"

    @property
    def scope(self) -> str:
        return " ".join(self.scopes)


def current(store: Store) -> Choices:
    """What is chosen now."""
    stored = {row["name"]: json.loads(row["value"]) for row in store.rows("SELECT * FROM choices")}
    return Choices(**{name: _frozen(value) for name, value in stored.items()})


def choose(store: Store, wanted: Mapping[str, Any]) -> Choices:
    """Change the named settings and commit. Raises BadChoice and changes nothing."""
    for name, value in wanted.items():
        _check(name, value)
    with store.writing() as db:
        db.executemany(
            "INSERT INTO choices VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [(name, json.dumps(value)) for name, value in wanted.items()],
        )
    return current(store)


def as_json(choices: Choices) -> dict[str, Any]:
    return asdict(choices)


def _check(name: str, value: Any) -> None:
    if name not in {field.name for field in fields(Choices)}:
        raise BadChoice(f"there is no setting {name!r}")
    if name == "scopes":
        if not isinstance(value, list) or not all(scope in SCOPES for scope in value):
            raise BadChoice(f"scopes must be a list out of {', '.join(SCOPES)}")
    elif name == "webhook_retries":
        if not isinstance(value, list) or not all(_is_number(wait) for wait in value):
            raise BadChoice("webhook_retries must be a list of seconds")
    elif name == "data_retention":
        if value not in RETENTIONS:
            raise BadChoice("data_retention must be true, false or empty")
    elif not _is_number(value) or value != int(value):
        raise BadChoice(f"{name} must be a whole number, 0 or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
