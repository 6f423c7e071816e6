"""The one door to RQ. Jobs are JSON and carry ids of tasks, nothing else.

There are queues of their own for mails and meetings, since a slow Zoom must not keep mails waiting,
nor a slow mail server meetings: each has workers of its own, or one worker serves all. Reminders
come by hundreds at the full hour, and what somebody has just done passes them.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from secrets import token_hex

import rq.serializers
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from ..core.config import current_settings
from ..core.logs import log

# What RQ reads without being told how, it would unpickle: who can write to Valkey could run code
# wherever something forgets to say JSON, as rq-dashboard does. In our processes nothing unpickles.
rq.serializers.PickleSerializer = JSONSerializer  # type: ignore[assignment]
rq.serializers.DefaultSerializer = JSONSerializer  # type: ignore[assignment,misc]
rq.serializers.SERIALIZER_ALIASES["pickle"] = JSONSerializer

MAILS, MEETINGS, REMINDERS = "mails", "meetings", "reminders"
NAMES = (MAILS, MEETINGS, REMINDERS)
# What a worker of that name takes, each only where those before it are empty.
SERVED = {MAILS: (MAILS, REMINDERS), MEETINGS: (MEETINGS,), REMINDERS: (REMINDERS,)}
# Reminders come by thousands, and RQ's own books take a third of a small task's time. A mail that
# passes them waits for one job at most.
MOST_IN_A_JOB = {REMINDERS: 10}
REMINDING = ".reminder"  # how the kind of a task ends that reminds somebody
# By name: the outbox knows no handler, and the worker runs no other function.
FUNCTION = "app.tasks.run"
# Refresh, call and a database that is away may follow one another; this only ends a job that has
# gone astray.
TIMEOUT = timedelta(minutes=10)
FAILURE_TTL = timedelta(days=1)


def name_for(kind: str) -> str:
    """The queue of a task's kind: `mail.…` goes to the mail server, all else to Zoom."""
    if kind.endswith(REMINDING):
        return REMINDERS
    return MAILS if kind.startswith("mail.") else MEETINGS


def served_by(names: Sequence[str]) -> list[str]:
    """The queues that a worker of these names takes from, the first first; without one, all."""
    wanted = [queue for name in names for queue in SERVED[name]] if names else NAMES
    return sorted(set(wanted), key=NAMES.index)


def push(task_ids: Sequence[int], name: str) -> bool:
    """Put one job for these tasks into a queue. False when it cannot be reached."""
    try:
        queue_of(name, _connection(current_settings().redis_url)).enqueue(
            FUNCTION,
            *task_ids,
            # Never the same twice: what ends one job deletes it by its id.
            job_id=f"{'_'.join(map(str, task_ids))}-{token_hex(6)}",
            job_timeout=int(TIMEOUT.total_seconds()),
            result_ttl=0,
            failure_ttl=int(FAILURE_TTL.total_seconds()),
            description=f"task {', '.join(map(str, task_ids))}",
        )
    except RedisError as error:
        log.warning("queue unreachable", task_ids=task_ids, error=type(error).__name__)
        return False
    return True


def task_ids() -> set[int] | None:
    """The tasks that wait in a queue; None when it cannot be reached."""
    connection = _connection(current_settings().redis_url)
    try:
        job_ids = [job_id for name in NAMES for job_id in queue_of(name, connection).get_job_ids()]
    except RedisError as error:
        log.warning("queue unreachable", error=type(error).__name__)
        return None
    numbers = (number for job_id in job_ids for number in job_id.partition("-")[0].split("_"))
    return {int(number) for number in numbers if number.isdecimal()}


def is_reachable() -> bool:
    """Whether Valkey answers, within a second."""
    try:
        return bool(_connection(current_settings().redis_url).ping())
    except RedisError:
        return False


def worker_connection(redis_url: str) -> Redis:
    """A connection for a worker, which waits on it for minutes."""
    return Redis.from_url(redis_url, socket_connect_timeout=5, health_check_interval=30)


@lru_cache
def _connection(redis_url: str) -> Redis:
    # A booker waits behind this: give up soon, the sweep finds the task.
    return Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1)


@lru_cache
def queue_of(name: str, connection: Redis) -> Queue:
    """RQ's queue of that name, which reads and writes JSON."""
    return Queue(name, connection=connection, serializer=JSONSerializer)
