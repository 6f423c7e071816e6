"""Whoever can write to Valkey must not run code in our processes: nothing is unpickled."""

import os
import pickle
import zlib
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer, resolve_serializer

from tests.admin.test_queues import (
    QUEUES,
    admin,
    at_the_queues,
    everything_of_the_dashboard,
    tasks_queue,
)
from tests.support.visitor import Visitor

__all__ = ["admin", "at_the_queues", "tasks_queue"]


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def bombed_job(tasks_queue: Queue, tmp_path: Path) -> str:
    """A failed job whose data, meta and result are pickles that make a folder when they are read."""
    job = Job.create(
        "app.tasks.run", (1,), connection=tasks_queue.connection, serializer=JSONSerializer,
        origin=tasks_queue.name,
    )  # fmt: skip
    job.set_status("failed")
    job.save()
    FailedJobRegistry(queue=tasks_queue).add(job, ttl=1000)
    bomb = pickle.dumps(Bomb(tmp_path / "made"))
    connection: Redis = tasks_queue.connection
    connection.hset(job.key, mapping={"data": zlib.compress(bomb), "meta": bomb, "result": bomb})
    connection.xadd(f"rq:results:{job.id}", {"type": 1, "return_value": bomb, "created_at": 1})
    return job.id


def test_the_bomb_goes_off_where_somebody_unpickles(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "made")))
    assert (tmp_path / "made").exists()


def test_no_address_of_the_dashboard_unpickles(
    app: object, at_the_queues: Visitor, bombed_job: str, tmp_path: Path
) -> None:
    asked = 0
    for method, address in everything_of_the_dashboard(app):  # type: ignore[arg-type]
        for order in (address.replace("/x", f"/{bombed_job}"), address):
            answer = at_the_queues.transport.send(method, order, [] if method == "POST" else None)
            assert answer.status < 500, order
            asked += 1
    assert asked > 20
    assert not (tmp_path / "made").exists()


def test_what_is_read_without_being_told_how_is_read_as_json() -> None:
    assert resolve_serializer(None) is JSONSerializer
    assert resolve_serializer("pickle") is JSONSerializer


@pytest.mark.parametrize(
    "path",
    [
        "0/view/job/unknown", "0/data/job/unknown.json", "0/view/jobs/mails/failed/0/asc/1",
        "0/data/jobs/mails/failed/0/asc/1.json", "0/data/jobs/mails/failed/x/asc/1.json",
        "0/data/jobs/mails/failed/8/sideways/1.json", "0/data/jobs/mails/nowhere/8/asc/1.json",
        "0/data/jobs/mails/failed/8/asc/0.json", "0/data/jobs/mails/failed/99999999/asc/1.json",
        "0/data/jobs/mails/failed/8/asc/999999999999999999999.json",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(at_the_queues: Visitor, path: str) -> None:
    assert at_the_queues.get(f"{QUEUES}{path}").status == 404


def test_requeueing_a_job_that_is_gone_is_not_found(at_the_queues: Visitor) -> None:
    assert at_the_queues.transport.send("POST", f"{QUEUES}job/gone/requeue", []).status == 404


def test_compacting_a_queue_that_is_empty_breaks_nothing(at_the_queues: Visitor) -> None:
    assert at_the_queues.transport.send("POST", f"{QUEUES}queue/mails/compact", []).status == 404
