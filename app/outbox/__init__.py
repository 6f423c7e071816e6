"""Task rows: add, claim, finish, postpone, give up; and the one door to the queue.

It knows no handler. What a task does is told by its kind, in app.tasks.
"""

from .errors import OutcomeUnknown, Overtaken, Refused, Unavailable
from .models import OPEN_STATES, Task
from .outages import persistently
from .service import (
    MOST_ATTEMPTS,
    Lease,
    bring_forward,
    call_off,
    cancel,
    claim,
    enqueue,
    enqueue_due,
    finish,
    give_up,
    is_claimable,
    new_task,
    postpone,
    push,
    renew,
    retry,
)

__all__ = [
    "MOST_ATTEMPTS",
    "OPEN_STATES",
    "Lease",
    "OutcomeUnknown",
    "Overtaken",
    "Refused",
    "Task",
    "Unavailable",
    "bring_forward",
    "call_off",
    "cancel",
    "claim",
    "enqueue",
    "enqueue_due",
    "finish",
    "give_up",
    "is_claimable",
    "new_task",
    "persistently",
    "postpone",
    "push",
    "renew",
    "retry",
]
