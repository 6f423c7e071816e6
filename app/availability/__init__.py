"""When a host can be booked: hours, minus what is busy, as a list of starts."""

from .rules import Rules
from .slots import open_slots
from .spans import Span

__all__ = ["Rules", "Span", "open_slots"]
