"""What is written to whom, and how it leaves. It imports bookings and what lies below; tasks send it."""

from . import occasions

__all__ = ["occasions"]
