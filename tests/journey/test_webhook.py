"""What Zoom is answered over HTTP, by the real processes."""

from collections.abc import Callable

import pytest
import requests
from dotenv import dotenv_values

from app.core.clock import utcnow
from sandbox.people import Person
from tests.journey.people import Host
from tests.journey.test_zoom import is_connected
from tests.support.stack import Stack
from tests.zoom.events import Sent, cases

NewHost = Callable[..., Host]


@pytest.fixture
def aya(new_host: NewHost) -> Host:
    host = new_host()
    host.connect_zoom()
    return host


def cases_of(host: Host) -> dict[str, Sent]:
    kept = dotenv_values(host.stack.instance / "development.env", interpolate=False)
    secret = str(kept["ZOOM_WEBHOOK_SECRETS"]).split(",")[0]
    return cases(Person(host.handle).user_id, utcnow(), secret)


def send(stack: Stack, sent: Sent) -> requests.Response:
    return requests.post(
        f"{stack.base}/zoom/webhook", data=sent.body, headers=sent.headers, timeout=10
    )


def test_each_case_gets_its_status_and_only_a_removal_removes(stack: Stack, aya: Host) -> None:
    sent = cases_of(aya)
    assert len(sent) == 11
    for name, case in sent.items():
        if not case.removes:
            assert (name, send(stack, case).status_code) == (name, case.status)
            assert is_connected(aya), name
    [removal] = [case for case in sent.values() if case.removes]
    assert send(stack, removal).status_code == removal.status
    assert not is_connected(aya)


def test_a_removal_that_comes_once_more_leaves_a_new_connection(stack: Stack, aya: Host) -> None:
    removal = cases_of(aya)["removal by a user"]
    assert send(stack, removal).status_code == 200
    assert "Zoom is connected." in aya.connect_zoom().text
    assert send(stack, removal).status_code == 200
    assert is_connected(aya)


def test_the_answer_to_a_validation_is_what_zoom_wants(stack: Stack, aya: Host) -> None:
    case = cases_of(aya)["validation of the address"]
    answer = send(stack, case)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(answer.json()) == {"plainToken", "encryptedToken"}
    assert answer.json()["plainToken"] in case.body.decode()
