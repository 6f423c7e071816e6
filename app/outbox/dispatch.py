"""Giving tasks to the queue: right after the commit that made them due, and what got lost, by the sweep."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from sqlalchemy import and_, or_, select, update

from ..core.clock import utcnow
from ..core.config import current_settings
from ..db import db
from . import queue
from .models import State, Task
from .service import Due, change, is_claimable

MOST_AT_ONCE = 500  # tasks that one sweep gives to the queue, and as many reminders


def enqueue(tasks: Iterable[Task]) -> None:
    """Tell the queue about those of `tasks` that are due. Best effort, after the commit.

    When the queue cannot be reached they stay for the sweep, which is told so at once.
    """
    push(
        [
            Due(task.id, task.kind)
            for task in tasks
            if task.state == State.WAITING and task.enqueued_at
        ]
    )


def push(due: Sequence[Due]) -> None:
    """The same for tasks that are due and say that they are in the queue."""
    lost = [task.id for task in due]
    # One try in vain is enough: a queue that hangs would make a sweep wait for each of hundreds.
    for name, job in _jobs(due):
        if not queue.push(job, name):
            break
        lost = lost[len(job) :]
    if lost:
        db.session.execute(update(Task).where(Task.id.in_(lost)).values(enqueued_at=None))
        db.session.commit()


def _jobs(due: Sequence[Due]) -> Iterator[tuple[str, list[int]]]:
    """The ids that go into one job each, with their queue's name, in the order given."""
    for name, run in groupby(due, key=lambda task: queue.name_for(task.kind)):
        ids = [task.id for task in run]
        most = queue.MOST_IN_A_JOB.get(name, 1)
        yield from ((name, ids[first : first + most]) for first in range(0, len(ids), most))


def enqueue_due() -> int:
    """Give the queue every task that is due and not in it; commit. Returns how many.

    A running task whose lease has run out is one: its worker is gone. One that was given to the
    queue a while ago is looked for there: while workers are away, jobs are not heaped up.

    Two schedulers at once are harmless: a conditional UPDATE takes each row for one of them, and a
    task that is in the queue twice is done by the first to claim it.
    """
    now = utcnow()
    long_ago = now - current_settings().enqueue_again_after
    missing = and_(is_claimable(), or_(Task.enqueued_at.is_(None), Task.enqueued_at < long_ago))
    # Reminders have a share of their own, behind all else: thousands fall due at the full hour.
    is_reminder = Task.kind.endswith(queue.REMINDING)
    candidates = [
        row
        for share in (~is_reminder, is_reminder)
        for row in db.session.execute(
            select(Task.id, Task.kind, Task.enqueued_at)
            .where(missing, share)
            .order_by(Task.due_at)
            .limit(MOST_AT_ONCE)
        )
    ]
    waiting: set[int] = set()
    if any(row.enqueued_at for row in candidates):
        in_queue = queue.task_ids()
        if in_queue is None:
            return 0  # it cannot be reached, so nothing can be given to it either
        waiting = {row.id for row in candidates if row.id in in_queue}
        change(Task.id.in_(waiting), enqueued_at=now)
    wanted = [Due(row.id, row.kind) for row in candidates if row.id not in waiting]
    taken = set(
        db.session.scalars(
            update(Task)
            .where(Task.id.in_([task.id for task in wanted]), missing)
            .values(enqueued_at=now)
            .returning(Task.id)
            .execution_options(synchronize_session=False)
        )
        if wanted
        else ()
    )
    db.session.commit()
    push([task for task in wanted if task.id in taken])
    return len(taken)
