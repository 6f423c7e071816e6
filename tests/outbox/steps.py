"""What several files of this folder do with the app in the same words."""

import json
from datetime import timedelta

from redis import Redis

from app import outbox
from app.accounts.models import User
from app.core.clock import utcnow
from app.db import db
from app.outbox import Lease, Task, queue

A_MINUTE = timedelta(minutes=1)


def add(host: User, key: str = "task-1", **columns: object) -> int:
    """A committed task that was not given to the queue by anybody yet."""
    task = outbox.new_task("mail.host.confirmed", key)
    task.user_id = host.id
    task.enqueued_at = None
    for name, value in columns.items():
        setattr(task, name, value)
    db.session.add(task)
    db.session.commit()
    return task.id


def reread(task_id: int) -> Task:
    db.session.expire_all()
    return db.session.get_one(Task, task_id)


def claim(task_id: int, for_: timedelta = A_MINUTE) -> Lease:
    lease = outbox.claim(task_id, for_)
    assert lease is not None
    return lease


def run_out(task_id: int) -> None:
    """As if the lease's time had passed."""
    reread(task_id).lease_until = utcnow() - timedelta(seconds=1)
    db.session.commit()


def queued_ids(valkey: Redis) -> list[int]:
    """The ids in the queue, as a worker would read them."""
    return [json.loads(_data(valkey, job_id))[2][0] for job_id in queued_jobs(valkey)]


def queued_jobs(valkey: Redis) -> list[str]:
    return [
        job_id.decode()
        for name in queue.NAMES
        for job_id in valkey.lrange(f"rq:queue:{name}", 0, -1)
    ]


def _data(valkey: Redis, job_id: str) -> bytes:
    import zlib  # noqa: PLC0415

    data = valkey.hget(f"rq:job:{job_id}", "data")
    assert isinstance(data, bytes)
    return zlib.decompress(data)
