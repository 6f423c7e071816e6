"""What goes wrong on purpose: the next N calls of a kind fail in a chosen way."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.store import Store


@dataclass(frozen=True)
class Kind:
    """A way to fail. The lane says which traffic uses it up."""

    lane: str
    words: str


KINDS = {
    "401": Kind("api", "Access token refused (401, code 124)"),
    "429-daily": Kind("api", "Daily limit (429); seconds: sends Retry-After as a date"),
    "429-second": Kind("api", "Per-second limit (429); seconds: sends Retry-After"),
    "500": Kind("api", "Zoom is ill (500, an HTML body)"),
    "slow": Kind("api", "The work is done, the answer comes late; seconds: how late"),
    "hang": Kind("api", "Nothing is done or said, then the connection dies; seconds: how long"),
    "scope-missing": Kind("api", "Scope missing (400, code 4711)"),
    "401-scope": Kind("api", "Scope missing, told with status 401 (code 4711)"),
    "403-page": Kind("api", "A firewall's page instead of an answer (403, HTML)"),
    "fields-refused": Kind("api", "Fields refused, each with its reason (400, code 300, errors[])"),
    "not-allowed": Kind("api", "This user may not host meetings (400, code 3161)"),
    "user-gone": Kind("api", "User does not exist (404, code 1001)"),
    "drop-after-create": Kind("create", "The meeting is made, the connection dies"),
    "no-join-url": Kind("create", "The meeting is made, the answer does not tell its link"),
    "timezone-unknown": Kind("timezone", "The time zone of a new meeting is not on Zoom's list"),
    "token-500": Kind("token", "Token address is ill (500); no token changes"),
    "token-slow": Kind("token", "Token answer comes late; seconds: how late"),
    "token-drop": Kind("token", "Tokens are rotated, the connection dies"),
    "token-no-refresh": Kind("token", "A refresh brings no refresh token; the old one stays good"),
    "token-no-scope": Kind("token", "The answer does not name the scopes"),
    "smtp-451": Kind("smtp", "Mail refused for now (451 after DATA)"),
    "smtp-550": Kind("smtp", "Recipient refused for good (550)"),
    "smtp-slow": Kind("smtp", "Mail is kept late, if the sender still waits; seconds: how late"),
    "smtp-slow-reply": Kind("smtp", "Mail is kept, the reply comes late; seconds: how late"),
    "smtp-drop-after-data": Kind("smtp", "Mail is kept, the connection dies without a reply"),
}
SLOW_SECONDS = 10.0


class BadFault(Exception):
    """A fault that cannot be ordered."""


@dataclass(frozen=True)
class Fault:
    """One failure, to happen now."""

    kind: str
    seconds: float | None

    @property
    def pause(self) -> float:
        """How long a slow one takes, in seconds."""
        return SLOW_SECONDS if self.seconds is None else self.seconds


def order(store: Store, kind: str, count: object = 1, seconds: object = None) -> None:
    """Let the next `count` calls fail, after all that were ordered before. Commits.

    Raises BadFault for an unknown kind, a count below 1 or negative seconds.
    """
    if kind not in KINDS:
        raise BadFault(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadFault("count must be a whole number, 1 or more")
    if seconds is not None and (not isinstance(seconds, int | float) or not 0 <= seconds < 3e6):
        raise BadFault("seconds must be a number, 0 or more")
    with store.writing() as db:
        db.execute(
            "INSERT INTO faults (kind, lane, remaining, seconds) VALUES (?, ?, ?, ?)",
            (kind, KINDS[kind].lane, count, seconds),
        )


def take(store: Store, lane: str) -> Fault | None:
    """Use up one failure of `lane`, oldest order first, or None when all is well. Commits."""
    # Nearly every call finds nothing; only the others need the write lock.
    if store.row("SELECT 1 FROM faults WHERE lane = ?", lane) is None:
        return None
    with store.writing() as db:
        row = db.execute(
            "SELECT * FROM faults WHERE lane = ? ORDER BY id LIMIT 1", (lane,)
        ).fetchone()
        if row is None:
            return None
        db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (row["id"],))
        db.execute("DELETE FROM faults WHERE remaining < 1")
    return Fault(row["kind"], row["seconds"])


def clear(store: Store) -> None:
    """All is well from now on. Commits."""
    with store.writing() as db:
        db.execute("DELETE FROM faults")


def waiting(store: Store) -> list[dict[str, object]]:
    """Orders not yet used up, oldest first."""
    rows = store.rows("SELECT kind, remaining AS count, seconds FROM faults ORDER BY id")
    return [dict(row) for row in rows]
