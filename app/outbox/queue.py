"""The one door to RQ. Jobs are JSON and carry a task's id, nothing else."""

from datetime import timedelta
from functools import lru_cache

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from ..logs import log
from ..web import current_settings

NAME = "tasks"
# By name: the outbox knows no handler, and the worker runs no other function.
FUNCTION = "app.tasks.run"
# Refresh, call and a database that is away may follow one another; this only ends a job that has
# gone astray.
TIMEOUT = timedelta(minutes=10)
FAILURE_TTL = timedelta(days=1)


def push(task_id: int) -> bool:
    """Queue one task's id. False when the queue cannot be reached."""
    try:
        _queue(current_settings().redis_url).enqueue(
            FUNCTION,
            task_id,
            job_timeout=int(TIMEOUT.total_seconds()),
            result_ttl=0,
            failure_ttl=int(FAILURE_TTL.total_seconds()),
            description=f"task {task_id}",
        )
    except RedisError as error:
        log.warning("queue unreachable", task_id=task_id, error=type(error).__name__)
        return False
    return True


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
def _queue(redis_url: str) -> Queue:
    return Queue(NAME, connection=_connection(redis_url), serializer=JSONSerializer)
