"""What a Task does when it runs. The worker calls `run` with ids of tasks, and nothing else."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext

import structlog
from flask import current_app

from .. import outbox
from ..bookings import followups, occasions
from ..core.config import current_settings
from ..core.logs import log
from ..db import DATABASE_AWAY
from ..notifications.smtp import one_conversation
from ..outbox import (
    Busy,
    Lease,
    Overtaken,
    Refused,
    Unavailable,
    queue,
    retry_while_database_down,
)
from ..zoom.tokens import RECONNECT_MAIL
from . import connections, leases, mails, meetings

HANDLERS: Mapping[str, Callable[[Lease], None]] = {
    followups.CREATE_MEETING: meetings.create,
    followups.MOVE_MEETING: meetings.move,
    followups.CHECK_MEETING: meetings.check,
    followups.DELETE_MEETING: meetings.delete,
    connections.CHECK: connections.check,
    RECONNECT_MAIL: connections.ask_to_reconnect,
    **dict.fromkeys(occasions.kinds(), mails.deliver),
}
WHEN_GIVEN_UP: Mapping[str, Callable[[Lease, Refused], None]] = {
    followups.CREATE_MEETING: meetings.create_failed,
}

LONGEST_JOB = 2.0  # seconds, until when a job of several tasks begins another


def run(*task_ids: int) -> None:
    """Do these tasks, one after the other, each if it is due and nobody else has it. Safe to call any
    number of times.

    Each runs in a fresh app context: nothing of the task before is left in the session. While the
    database is away a task stays as it is, waiting or under a lease that runs out: the sweep
    finds it. Where a slow mail server makes a job of several long, its rest goes behind what waits.
    """
    began = time.monotonic()
    with one_conversation() if len(task_ids) > 1 else nullcontext():
        for number, task_id in enumerate(task_ids):
            if time.monotonic() - began > LONGEST_JOB:
                queue.push(task_ids[number:], queue.REMINDERS)
                return
            _run(task_id)


def _run(task_id: int) -> None:
    with current_app._get_current_object().app_context():  # type: ignore[attr-defined]
        try:
            lease = outbox.claim(task_id, for_=current_settings().lease)
            if lease is not None:
                with structlog.contextvars.bound_contextvars(task_id=task_id, kind=lease.kind):
                    _do(lease)
        except DATABASE_AWAY as error:
            log.warning("database away", task_id=task_id, error=type(error.orig).__name__)


def _do(lease: Lease) -> None:
    try:
        HANDLERS[lease.kind](lease)
    except leases.LeaseLost:
        log.warning("lease lost")
    except Overtaken as overtaken:
        reason = str(overtaken) or None
        retry_while_database_down(lambda: outbox.call_off(lease, reason), current_settings().lease)
        log.info("task no longer needed")
    except Busy as busy:
        _come_back(lease, busy)
    except Unavailable as error:
        _postpone(lease, error)
    except Refused as refusal:
        _give_up(lease, refusal)
    except DATABASE_AWAY as error:
        log.warning("database away", error=type(error.orig).__name__)
        _postpone(lease, Unavailable(_known_of(lease) or "database_away"))
    except Exception as error:  # noqa: BLE001
        # The outermost net of a task: a fault of ours must neither lose it nor spin on it.
        log.exception("task crashed", error=type(error).__name__)
        _postpone(lease, Unavailable(_known_of(lease) or "internal_error"))
    else:
        retry_while_database_down(lambda: outbox.finish(lease), current_settings().lease)
        log.info("task done", attempt=lease.attempt)


def _known_of(lease: Lease) -> str | None:
    """That an earlier try left the outcome unknown matters more than what stopped this one."""
    is_unknown = lease.kind == followups.CREATE_MEETING and meetings.is_outcome_unknown(lease)
    return "zoom_answer_lost" if is_unknown else None


def _come_back(lease: Lease, busy: Busy) -> None:
    retry_while_database_down(lambda: outbox.come_back(lease, busy), current_settings().lease)


def _postpone(lease: Lease, error: Unavailable) -> None:
    if lease.is_old:
        _give_up(lease, Refused(error.reason))
        return
    retry_while_database_down(lambda: outbox.postpone(lease, error), current_settings().lease)
    log.info("task postponed", reason=error.reason, attempt=lease.attempt)


def _give_up(lease: Lease, refusal: Refused) -> None:
    # Kept in hand like all else: a task that is done once more asks Zoom once more.
    if retry_while_database_down(lambda: _fail(lease, refusal), current_settings().lease):
        log.warning("task failed", reason=refusal.reason, attempt=lease.attempt)
    else:
        log.warning("lease lost")


def _fail(lease: Lease, refusal: Refused) -> bool:
    if not outbox.renew(lease, current_settings().lease):
        return False
    # What follows from it comes first: should we die between the two, the task is done again.
    if lease.kind in WHEN_GIVEN_UP:
        WHEN_GIVEN_UP[lease.kind](lease, refusal)
    return outbox.give_up(lease, refusal)
