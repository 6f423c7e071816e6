"""What CalSync can do for a host: the one place where Zoom's scopes become abilities."""

from dataclasses import dataclass

CREATE = "meeting:write:meeting"
READ = "meeting:read:meeting"
DELETE = "meeting:delete:meeting"
FIND = "meeting:read:list_meetings"
IDENTIFY = "user:read:user"
ASKED = (CREATE, READ)  # what the guide asks for; the others are optional


@dataclass(frozen=True)
class Abilities:
    """What the granted scopes allow."""

    creates: bool
    reads: bool
    deletes: bool
    finds: bool
    identifies: bool

    @classmethod
    def of(cls, scopes: str) -> "Abilities":
        """Out of the `scope` of a token answer: names with spaces between."""
        granted = set(scopes.split())
        return cls(
            creates=CREATE in granted,
            reads=READ in granted,
            deletes=DELETE in granted,
            finds=FIND in granted,
            identifies=IDENTIFY in granted,
        )
