"""A deletion that is broken off, doubled, or meets others at work, is gone on with in the end."""

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import Result
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from app import outbox
from app.accounts.models import User
from app.bookings.attendees import Attendee
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.deletion.models import Deletion
from app.outbox import Task, queue
from tests.conftest import empty_tables
from tests.deletion.conftest import AYA, HANAKO, KEN, OTTO
from tests.deletion.steps import PERSONAL, every_row, is_there, the_record
from tests.support import killed
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow
from tests.support.killed import Running
from tests.support.services import MailServer, free_ports
from tests.tasks.steps import work
from tests.tasks.test_worker import work_until_empty

COMMAND = ("delete-account", AYA, "--yes", "--patience", "30")


@pytest.fixture
def environment(app: Flask, mails: MailServer) -> dict[str, str]:
    """For another process on the same database, queue and mail server; Zoom is not there."""
    [zoom_port] = free_ports(1)
    return killed.environment_of(app, f"http://127.0.0.1:{zoom_port}") | {
        "ZOOM_CONNECT_SECONDS": "0.5",
        "ZOOM_READ_SECONDS": "0.5",
        "LEASE_SECONDS": "2",
        "LOG_LEVEL": "INFO",
    }


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts the command as a process of its own; `start(3)` dies right before its third commit."""
    started: list[Running] = []

    def run(dies_before: int = 0) -> Running:
        printed = tmp_path / f"printed-{len(started)}"
        started.append(killed.start(environment, printed, COMMAND, dies_before))
        return started[-1]

    yield run
    for process in started:
        process.close()


def test_whichever_commit_it_dies_before_the_next_run_finishes(
    app: Flask, mails: MailServer, revoked: responses.BaseResponse,
    change_settings: Callable[..., Settings], start: Callable[..., Running],
) -> None:  # fmt: skip
    change_settings(lease=timedelta(seconds=2))  # as the processes have it
    for number in range(1, 50):
        empty_tables()
        host = make_host("Aya Sato", AYA)
        make_booking(make_page(host), tomorrow(6))
        connect_zoom(host)
        work()
        mails.messages.clear()
        db.session.remove()
        first = start(number)
        printed = first.wait()
        if first.status == 0:
            break
        assert first.status == -signal.SIGKILL, printed
        assert is_there(), number
        db.session.remove()
        again = app.test_cli_runner().invoke(args=COMMAND)
        assert again.exit_code == 0, (number, again.output)
        db.session.remove()
        assert the_record().called_off == 1
        # At least once, and a second one is the same message to every mail program.
        assert len({mail["Message-ID"] for mail in mails.to(KEN)}) == 1, number
        assert {name for name, rows in every_row().items() if rows} == {"deletions"}
        db.session.remove()
    assert number >= 10  # it died before nine commits at least
    assert not is_there()


def test_a_process_that_is_killed_while_it_mails_is_made_good_by_the_next(
    aya: User, mails: MailServer, start: Callable[..., Running]
) -> None:
    keep = mails.handle_DATA
    victim = start()

    async def keep_and_kill(*arguments: Any) -> str:
        answer = await keep(*arguments)
        if len(mails.messages) == 2:
            victim.process.kill()
        return answer

    mails.handle_DATA = keep_and_kill  # type: ignore[method-assign]
    printed = victim.wait()
    assert victim.status == -signal.SIGKILL
    assert is_there()
    mails.handle_DATA = keep  # type: ignore[method-assign]

    second = start()
    printed_again = second.wait()
    assert second.status == 0, printed_again
    db.session.remove()
    assert not is_there()
    assert the_record().called_off == 3
    for client, count in ((KEN, 2), (HANAKO, 1)):
        assert len({mail["Message-ID"] for mail in mails.to(client)}) == count
    # Logs and all: ids only.
    assert "account deleted" in printed_again
    assert "zoom did not confirm" in printed_again
    for trace in PERSONAL:
        assert trace not in printed + printed_again, trace


def test_two_at_once_delete_once_and_tell_nobody_twice(
    aya: User, mails: MailServer, start: Callable[..., Running]
) -> None:
    both = [start(), start()]
    printed = [process.wait() for process in both]
    assert 0 in [process.status for process in both], printed
    assert all("Traceback" not in text for text in printed), printed
    db.session.remove()
    assert not is_there()
    assert the_record().called_off == 3
    assert (len(mails.to(KEN)), len(mails.to(HANAKO))) == (2, 1)


def test_what_a_worker_has_in_hand_is_waited_for(
    aya: User, mails: MailServer, revoked: responses.BaseResponse,
    delete_account: Callable[..., Result],
) -> None:  # fmt: skip
    over = db.session.scalars(
        select(Task)
        .join(Booking)
        .join(Booking.client)
        .where(Booking.host_id == aya.id, Attendee.email == OTTO)
        .order_by(Task.id)
    ).first()
    assert over is not None
    over.state = "waiting"
    db.session.commit()
    lease = outbox.claim(over.id, for_=timedelta(minutes=10))
    assert lease is not None
    stopped = delete_account("--yes")
    assert stopped.exit_code != 0
    assert "0 clients' cancellations are not sent, 1 other tasks are under way" in stopped.output
    assert is_there()
    outbox.finish(lease)
    assert delete_account("--yes").exit_code == 0
    assert not is_there()


def test_what_a_dead_worker_had_in_hand_is_done_or_dropped(
    aya: User, mails: MailServer, revoked: responses.BaseResponse,
    delete_account: Callable[..., Result],
) -> None:  # fmt: skip
    db.session.execute(
        update(Task).values(state="running", lease_until=utcnow() - timedelta(seconds=1))
    )
    db.session.commit()
    assert delete_account("--yes").exit_code == 0
    assert not is_there()


def test_jobs_that_name_deleted_tasks_do_nothing(
    aya: User, mallory: User, settings: Settings, mails: MailServer,
    revoked: responses.BaseResponse, delete_account: Callable[..., Result],
) -> None:  # fmt: skip
    connection = Redis.from_url(settings.redis_url)
    jobs = Queue(queue.MAILS, connection=connection, serializer=JSONSerializer)
    assert delete_account("--yes").exit_code == 0
    assert jobs.count > 5
    before, told = every_row(), len(mails.messages)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        work_until_empty(jobs)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert jobs.count == 0
    assert jobs.failed_job_registry.count == 0
    assert every_row() == before
    assert len(mails.messages) == told
    assert db.session.scalar(select(Deletion.id)) is not None
