"""Holding on to a task while it is done."""

from .. import outbox
from ..core.clock import utcnow
from ..core.config import current_settings
from ..outbox import Lease


class LeaseLost(Exception):
    """The lease ran out and another worker may have the task: stop without a trace."""


# What was taken so short a part of its length ago is as good as new.
FRESH = 1 / 20


def renew(lease: Lease) -> None:
    """Hold on for a whole lease, more or less, right before an outgoing call. Raises LeaseLost."""
    length = current_settings().lease
    if utcnow() - lease.taken_at < length * FRESH:
        return
    if not outbox.renew(lease, length):
        raise LeaseLost
