"""Task rows: add, claim, finish, postpone, give up; and the one door to the queue.

It knows no handler. What a task does is told by its kind, in app.tasks.
"""

from ..core.errors import Busy, OutcomeUnknown, Overtaken, Refused, Unavailable
from .dispatch import enqueue, enqueue_due, push
from .models import OPEN_STATES, State, Task
from .outages import retry_while_database_down
from .service import (
    GIVE_UP_AFTER,
    Due,
    Lease,
    bring_forward,
    call_off,
    call_off_overtaken,
    call_off_waiting,
    claim,
    come_back,
    finish,
    give_up,
    is_claimable,
    new_task,
    plan_again,
    postpone,
    renew,
    retry,
)

__all__ = [
    "GIVE_UP_AFTER",
    "OPEN_STATES",
    "Busy",
    "Due",
    "Lease",
    "OutcomeUnknown",
    "Overtaken",
    "Refused",
    "State",
    "Task",
    "Unavailable",
    "bring_forward",
    "call_off",
    "call_off_overtaken",
    "call_off_waiting",
    "claim",
    "come_back",
    "enqueue",
    "enqueue_due",
    "finish",
    "give_up",
    "is_claimable",
    "new_task",
    "plan_again",
    "postpone",
    "push",
    "renew",
    "retry",
    "retry_while_database_down",
]
