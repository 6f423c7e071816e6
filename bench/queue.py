"""What an hour without workers leaves in the queue: 20 tasks, a sweep each half minute.

The hour does not pass: after each sweep what is in the queue is made old by hand.
"""

from datetime import timedelta

from sqlalchemy import update

from app import outbox
from app.core.clock import utcnow
from app.core.config import current_settings
from app.db import db
from app.outbox import Task, queue
from bench.measure import tell
from bench.stage import Stage, stages
from tests.support.cast import make_host

TASKS = 20
HOUR = timedelta(hours=1)


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage) -> None:
    """One line: jobs in the queue after the hour, and how many times the number of tasks that is."""
    with stage.app.app_context():
        host = make_host()
        for number in range(TASKS):
            task = outbox.new_task("mail.host.reconnect", f"bench-{number}")
            task.user_id, task.enqueued_at = host.id, None
            db.session.add(task)
        db.session.commit()
        before = jobs()
        again_after = stage.app.extensions["settings"].enqueue_again_after
        for _ in range(HOUR // again_after):
            outbox.enqueue_due()
            db.session.execute(update(Task).values(enqueued_at=utcnow() - 2 * again_after))
            db.session.commit()
        left = jobs() - before
    tell(bench="queue", database=stage.database, tasks=TASKS, jobs=left, jobs_a_task=left / TASKS)


def jobs() -> int:
    """All that waits in the queues."""
    connection = queue.worker_connection(current_settings().redis_url)
    return sum(queue.queue_of(name, connection).count for name in queue.NAMES)


if __name__ == "__main__":
    main()
