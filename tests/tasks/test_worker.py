"""RQ's worker, as `flask worker` uses it: it runs our tasks and nothing else."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from app.bookings.models import Booking
from app.cli.processes import TaskJob, TaskWorker
from app.core.config import Settings
from app.db import db
from app.outbox import queue
from tests.support.cast import make_booking, make_host, make_page
from tests.support.services import MailServer


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """RQ leaves its own handlers behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def tasks_queue(app: Flask, settings: Settings) -> Queue:
    connection = Redis.from_url(settings.redis_url)
    return Queue(queue.MAILS, connection=connection, serializer=JSONSerializer)


def work_until_empty(tasks_queue: Queue) -> None:
    worker = TaskWorker(
        [tasks_queue],
        connection=tasks_queue.connection,
        serializer=JSONSerializer,
        job_class=TaskJob,
    )
    worker.log_job_description = False
    worker.work(burst=True, logging_level="CRITICAL")


def test_the_worker_does_the_tasks_of_a_booking(tasks_queue: Queue, mails: MailServer) -> None:
    booking_id = make_booking(make_page(make_host())).id
    work_until_empty(tasks_queue)
    booking = db.session.get_one(Booking, booking_id, populate_existing=True)
    assert {task.state for task in booking.tasks} == {"done"}
    assert len(mails.messages) == 2
    assert tasks_queue.failed_job_registry.count == 0


@pytest.mark.parametrize("function", ["os.mkdir", "app.tasks.mails.deliver", "builtins.eval"])
def test_a_job_that_names_another_function_is_refused(
    tasks_queue: Queue, tmp_path: Path, function: str
) -> None:
    made = tmp_path / "made-by-a-job"
    job = tasks_queue.enqueue(function, str(made))
    work_until_empty(tasks_queue)
    assert job.get_status() is JobStatus.FAILED
    assert not made.exists()


@pytest.mark.parametrize("callback", ["on_success", "on_failure"])
def test_a_job_cannot_smuggle_another_function_in_as_its_callback(
    tasks_queue: Queue, callback: str
) -> None:
    from rq.callbacks import Callback  # noqa: PLC0415

    CALLED.clear()
    function = queue.FUNCTION if callback == "on_success" else "os.getcwd"
    tasks_queue.enqueue(function, 12345, **{callback: Callback("tests.tasks.test_worker.remember")})
    work_until_empty(tasks_queue)
    assert CALLED == []


CALLED: list[str] = []


def remember(*_arguments: object) -> None:
    CALLED.append("called")


def test_a_job_in_another_form_than_json_is_not_read(tasks_queue: Queue, tmp_path: Path) -> None:
    made = tmp_path / "made-by-a-pickle"
    pickling = Queue(queue.MAILS, connection=tasks_queue.connection)
    job = pickling.enqueue("os.mkdir", str(made))
    work_until_empty(tasks_queue)
    assert not made.exists()
    assert job.get_status() is JobStatus.FAILED
