"""`flask worker` and `flask scheduler`: loops of our own, which outlive Valkey and the database."""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from ..core.config import current_settings
from ..core.logs import log
from ..db import db
from ..outbox import queue
from ..tasks.sweep import sweep
from .replies import FAREWELL, begin_reading

QUEUE_RETRY = 1.0  # seconds between tries while Valkey is away


class TaskJob(Job):
    """A job that can only be ours: a worker must not run whatever a queue names."""

    @property
    def func(self):  # type: ignore[no-untyped-def]
        if self.func_name != queue.FUNCTION:
            raise ValueError("this worker runs tasks only")
        return super().func

    # RQ would import and call whatever a job names here as well; ours name nothing.
    success_callback = failure_callback = stopped_callback = None


class TaskWorker(SimpleWorker):
    """RQ's worker in this very process: no fork a job, and no job lost when Valkey goes away."""

    max_connection_wait_time = 5.0

    # RQ's own flag stays down when the signal comes while it waits for a job.
    stop: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stop.set()
        # Valkey is told as well. It may be away, and this runs in the middle of a task, which
        # must not hear of it.
        with suppress(RedisError):
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """A job that RQ cannot settle, since Valkey lost it meanwhile, is no fault of a task's."""
        if isinstance(exc_info[1], RedisError | InvalidJobOperation | NoSuchJobError):
            log.warning("the queue lost a job", job_id=job.id, error=type(exc_info[1]).__name__)
            return
        super().handle_exception(job, *exc_info)


class CalmRecords(logging.Filter):
    """RQ prints a traceback when Valkey goes away; one line says as much."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], RedisError):
            record.exc_info = None
        return True


@click.command("worker")
@click.argument("names", nargs=-1, metavar="[QUEUE]...", type=click.Choice(queue.NAMES))
@with_appcontext
def worker(names: Sequence[str]) -> None:
    """Do tasks until SIGTERM; what is in hand is finished. Starts and goes on without Valkey.

    QUEUE: `mails`, which sends reminders too while no other mail waits, `meetings`, or `reminders`
    alone; without one all, one task at a time, so that a slow Zoom keeps mails waiting. Run one
    worker or more for mails and for meetings.
    """
    stop = _stop_on_signals()
    logging.getLogger("rq.worker").addFilter(CalmRecords())
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    connection = queue.worker_connection(current_settings().redis_url)
    served = queue.served_by(names)
    log.info("worker started", queues=served)
    while not stop.is_set():
        try:
            connection.ping()
            with app.app_context():
                hand = TaskWorker(
                    [queue.queue_of(name, connection) for name in served],
                    connection=connection,
                    serializer=JSONSerializer,
                    job_class=TaskJob,
                )
                hand.stop = stop
                hand.log_job_description = False
                hand.work(logging_level="WARNING")
        except RedisError:
            log.warning("queue unreachable, trying again")
            stop.wait(QUEUE_RETRY)
        _restore_signals(stop)
    log.info("worker stopped")


@click.command("scheduler")
@with_appcontext
def scheduler() -> None:
    """Sweep until SIGTERM, and read calendars' replies beside it where IMAP_URL is set. Any number may
    run; each task is given to the queue by one, and the mailbox is read by one at a time."""
    stop = _stop_on_signals()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    pause = current_settings().sweep_every.total_seconds()
    log.info("scheduler started")
    reading = begin_reading(app, stop)
    while not stop.is_set():
        began = time.monotonic()
        with app.app_context():
            try:
                sweep()
            except SQLAlchemyError as error:
                # The outermost loop: the database may be restarting.
                log.warning("sweep failed", error=type(error).__name__)
                db.session.rollback()
        stop.wait(max(0.0, pause - (time.monotonic() - began)))
    if reading is not None:
        reading.join(FAREWELL)
    log.info("scheduler stopped")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    _restore_signals(stop)
    return stop


def _restore_signals(stop: threading.Event) -> None:
    """RQ leaves its own handlers behind when it returns."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
