"""Holding on to a task while it is done."""

from .. import outbox
from ..outbox import Lease
from ..web import current_settings


class LeaseLost(Exception):
    """The lease ran out and another worker may have the task: stop without a trace."""


def renew(lease: Lease) -> None:
    """Hold on for a whole lease more, right before an outgoing call. Raises LeaseLost."""
    if not outbox.renew(lease, current_settings().lease):
        raise LeaseLost
