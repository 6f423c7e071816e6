"""Writing an event down. Nothing here commits: an event stands or falls with its deed."""

from ..core.clock import utcnow
from ..db import db
from .models import Action, Actor, Event


def record(
    action: Action,
    by: Actor,
    *,
    host_id: int | None,
    subject_id: int | None = None,
    **details: str | int | bool | list[str] | None,
) -> None:
    """Add an event to the caller's transaction.

    `host_id` is whose account it concerns; a host who acts is that one. `subject_id` is the row's of
    the kind that the action names, the host itself if left out. Details name nobody: no address, no
    name, no secret, no text that people typed.
    """
    kind, _dot, _deed = action.partition(".")
    db.session.add(
        Event(
            at=utcnow(),
            actor_kind=by,
            actor_id=host_id if by is Actor.HOST else None,
            action=action,
            subject_kind=kind,
            subject_id=host_id if subject_id is None else subject_id,
            details=details,
            host_id=host_id,
        )
    )
