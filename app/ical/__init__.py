"""Writing iCalendar (RFC 5545, RFC 5546), and reading what calendars reply: pure Python, no Flask, no SQL. It
knows no booking; invitations are written by it, and it imports nothing of CalSync but core."""

from .lines import event, feed
from .writing import Entry, Person, written

__all__ = ["Entry", "Person", "event", "feed", "written"]
