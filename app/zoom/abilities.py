"""What CalSync can do for a host: the one place where Zoom's scopes become abilities.

Zoom knows each scope in three families: granular (`meeting:write:meeting`), classic
(`meeting:write`), and either of them with `:admin` behind it. Which one an app has depends on when
and by whom it was registered, so all that grant an ability count.
"""

from dataclasses import dataclass

CREATE = "meeting:write:meeting"
READ = "meeting:read:meeting"
UPDATE = "meeting:update:meeting"
DELETE = "meeting:delete:meeting"
FIND = "meeting:read:list_meetings"
IDENTIFY = "user:read:user"
ASKED = (CREATE, READ)  # what the guide asks for; the others are optional
# The classic scope that grants the same.
CLASSIC = {
    CREATE: "meeting:write",
    READ: "meeting:read",
    UPDATE: "meeting:write",
    DELETE: "meeting:write",
    FIND: "meeting:read",
    IDENTIFY: "user:read",
}
ADMIN = ":admin"


@dataclass(frozen=True)
class Abilities:
    """What the granted scopes allow."""

    creates: bool
    reads: bool
    updates: bool
    deletes: bool
    finds: bool
    identifies: bool

    @classmethod
    def of(cls, scopes: str) -> "Abilities":
        """Out of the `scope` of a token answer: names with spaces between."""
        granted = {scope.removesuffix(ADMIN) for scope in scopes.split()}
        return cls(
            creates=_is_granted(CREATE, granted),
            reads=_is_granted(READ, granted),
            updates=_is_granted(UPDATE, granted),
            deletes=_is_granted(DELETE, granted),
            finds=_is_granted(FIND, granted),
            identifies=_is_granted(IDENTIFY, granted),
        )


def missing_in(scopes: str) -> list[str]:
    """Which of the scopes that CalSync asks for are not granted, in no family."""
    granted = {scope.removesuffix(ADMIN) for scope in scopes.split()}
    return [scope for scope in ASKED if not _is_granted(scope, granted)]


def _is_granted(scope: str, granted: set[str]) -> bool:
    return scope in granted or CLASSIC[scope] in granted
