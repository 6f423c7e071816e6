"""rq-dashboard behind our gate: for admins, by POST from our own pages, and inert."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from app.accounts.models import User
from app.core.clock import utcnow
from app.core.config import Settings
from app.outbox import queue
from tests.support.cast import PASSWORD, make_host, visit_as
from tests.support.visitor import Visitor

EVIL = '<img src=x onerror="alert(1)">'
QUEUES = "/admin/queues/"


@pytest.fixture
def admin(app: Flask) -> User:
    return make_host("Root", is_admin=True)


@pytest.fixture
def at_the_queues(app: Flask, admin: User) -> Visitor:
    """An admin who has given the password again."""
    visitor = visit_as(app, admin)
    page = visitor.get(QUEUES).form_to("/admin/confirm").send(password=PASSWORD)
    assert page.path == QUEUES
    assert page.status == 200
    return visitor


@pytest.fixture
def tasks_queue(app: Flask, settings: Settings) -> Queue:
    connection = Redis.from_url(settings.redis_url)
    return Queue(queue.MAILS, connection=connection, serializer=JSONSerializer)


@pytest.fixture
def failed_job(tasks_queue: Queue) -> Job:
    """A failed job whose every text is an attack."""
    job = Job.create(
        "app.tasks.run", (EVIL,), description=EVIL, meta={EVIL: EVIL},
        connection=tasks_queue.connection, serializer=JSONSerializer, origin=queue.MAILS,
    )  # fmt: skip
    job.set_status("failed")
    job.save()
    registry = FailedJobRegistry(queue=tasks_queue)
    registry.add(job, ttl=1000, exc_string=EVIL)
    Result.create_failure(job, ttl=1000, exc_string=EVIL)
    return job


def everything_of_the_dashboard(app: Flask) -> list[tuple[str, str]]:
    """Method and an address of each of its routes."""
    values = {
        "instance_number": 0, "queue_name": "mails", "registry_name": "failed", "per_page": 8,
        "order": "asc", "page": 1, "job_id": "x", "filename": "css/main.css",
    }  # fmt: skip
    addresses = app.url_map.bind("")
    return [
        (method, addresses.build(rule.endpoint, {name: values[name] for name in rule.arguments}))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("rq_dashboard.")
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def test_a_host_gets_404_everywhere(app: Flask) -> None:
    mallory = visit_as(app, make_host("Mallory"))
    answers = {
        (method, address): mallory.transport.send(method, address, [] if method == "POST" else None)
        for method, address in everything_of_the_dashboard(app)
    }
    assert len(answers) >= 15
    assert {answer.status for answer in answers.values()} == {404}
    assert mallory.get("/admin/confirm").status == 404


def test_a_stranger_is_sent_to_the_door_everywhere(app: Flask, visit: Visitor) -> None:
    for method, address in everything_of_the_dashboard(app):
        answer = visit.transport.send(method, address, [] if method == "POST" else None)
        assert answer.status == 303, address
        assert answer.headers["Location"].startswith("/login"), address


@pytest.mark.parametrize("path", ["/admin/queues/1/", "/admin/queues/7/data/queues.json"])
def test_there_is_one_queue_server_and_nobody_learns_more(
    app: Flask, at_the_queues: Visitor, path: str
) -> None:
    assert at_the_queues.get(path).status == 404
    assert Visitor(type(at_the_queues.transport)(app)).get(path).path == "/login"


def test_the_password_is_asked_again(app: Flask, admin: User) -> None:
    visitor = visit_as(app, admin)
    asked = visitor.get("/admin/queues/0/view/workers")
    assert asked.path == "/admin/confirm"
    wrong = asked.form_to("/admin/confirm").send(password="not the password")
    assert wrong.status == 422
    assert visitor.get(QUEUES).path == "/admin/confirm"
    opened = wrong.form_to("/admin/confirm").send(password=PASSWORD)
    assert opened.path == "/admin/queues/0/view/workers"


def test_the_queues_stay_open_for_half_an_hour(app: Flask, admin: User) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        visitor = visit_as(app, admin)
        visitor.get(QUEUES).form_to("/admin/confirm").send(password=PASSWORD)
        clock.shift(timedelta(minutes=30))
        assert visitor.get(QUEUES).path == QUEUES
        clock.shift(timedelta(seconds=1))
        assert visitor.get(QUEUES).path == "/admin/confirm"


def test_the_confirmation_ends_with_the_session(app: Flask, at_the_queues: Visitor) -> None:
    at_the_queues.get("/dashboard").form_to("/logout").send()
    at_the_queues.get("/login").form_to("/login").send(email="root@example.jp", password=PASSWORD)
    assert at_the_queues.get(QUEUES).path == "/admin/confirm"


def test_a_get_requeues_nothing(
    app: Flask, at_the_queues: Visitor, failed_job: Job, tasks_queue: Queue
) -> None:
    assert at_the_queues.transport.send("GET", "/admin/queues/requeue/mails", None).status == 405
    assert tasks_queue.count == 0
    assert at_the_queues.transport.send("POST", "/admin/queues/requeue/mails", []).status == 200
    assert tasks_queue.count == 1


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_form_changes_nothing(
    app: Flask, at_the_queues: Visitor, failed_job: Job, tasks_queue: Queue, headers: dict[str, str]
) -> None:
    at_the_queues.transport.headers.update(headers)  # type: ignore[attr-defined]
    for path in ("requeue/mails", f"job/{failed_job.id}/delete", f"job/{failed_job.id}/requeue",
                 "queue/mails/failed/empty"):  # fmt: skip
        assert at_the_queues.transport.send("POST", f"{QUEUES}{path}", []).status == 403
    assert tasks_queue.count == 0
    assert tasks_queue.failed_job_registry.count == 1


def test_what_a_job_carries_is_inert_in_the_json(
    app: Flask, at_the_queues: Visitor, failed_job: Job
) -> None:
    for path in (
        "0/data/jobs/mails/failed/8/asc/1.json",
        f"0/data/job/{failed_job.id}.json",
        "0/data/queues.json",
        "0/data/workers.json",
    ):
        answer = at_the_queues.transport.send("GET", QUEUES + path, None)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert "<" not in answer.text
        if "job" in path:
            assert "&lt;img src=x onerror" in answer.text


def test_the_job_pages_show_no_attack_either(
    app: Flask, at_the_queues: Visitor, failed_job: Job
) -> None:
    for path in (
        f"0/view/job/{failed_job.id}",
        "0/view/jobs/mails/failed/8/asc/1",
        "0/view/workers",
    ):
        page = at_the_queues.get(QUEUES + path)
        assert page.status == 200
        assert "onerror" not in page.answer.text


@pytest.mark.parametrize(
    "address",
    [
        "0/view/jobs/%3Cimg%20src=x%20onerror=alert(1)%3E/queued/8/asc/1",
        "0/view/jobs/')%3Balert(1)%3B('/queued/8/asc/1",
        "0/view/jobs/mails/')%3Balert(1)%3B('/8/asc/1",
        "0/view/jobs/mails/queued/8/')%3Balert(1)%3B('/1",
        "0/view/job/')%3Balert(1)%3B('",
    ],
)
def test_a_strange_name_in_an_address_is_not_shown_at_all(
    app: Flask, at_the_queues: Visitor, address: str
) -> None:
    page = at_the_queues.get(QUEUES + address)
    assert page.status == 404
    assert "<img" not in page.answer.text
    assert "')" not in page.answer.text
    assert "unsafe" not in page.answer.headers["Content-Security-Policy"]


def test_the_dashboard_has_a_policy_of_its_own_and_the_rest_the_strict_one(
    app: Flask, at_the_queues: Visitor
) -> None:
    here = at_the_queues.get(QUEUES).answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" in here
    assert "default-src 'none'" in here
    assert "frame-ancestors 'none'" in here
    for path in ("/dashboard", "/admin/confirm"):
        strict = at_the_queues.get(path).answer.headers["Content-Security-Policy"]
        assert "unsafe" not in strict


def test_the_dashboard_is_not_kept_by_caches(app: Flask, at_the_queues: Visitor) -> None:
    for path in ("", "0/data/queues.json"):
        headers = at_the_queues.get(QUEUES + path).answer.headers
        assert headers["Cache-Control"] == "no-store"
