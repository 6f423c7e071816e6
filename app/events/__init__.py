"""Who did what: an append-only record. Verbs of all layers above add to it in their own transaction; it
imports nothing of them, nor the outbox beside it."""

from .models import Action, Actor, Event
from .service import record

__all__ = ["Action", "Actor", "Event", "record"]
