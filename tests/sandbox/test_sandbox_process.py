"""It starts only where it may, remembers, and ends when told."""

import signal
import socket
import subprocess
import sys
import time

import pytest


def refused(process, **changed):
    """Start it with another environment; its exit status and what it said."""
    run = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        env={**process.environment, **changed},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert run.stdout == ""
    return run.returncode, run.stderr


@pytest.mark.parametrize(
    "address",
    ["https://calsync.site", "http://calsync.site", "https://127.0.0.1:5000", "http://10.0.0.1"],
)
def test_it_refuses_to_stand_beside_production(new_process, address):
    status, words = refused(new_process, PUBLIC_BASE_URL=address)
    assert (status, words.count("\n"), address in words) == (2, 1, True)


def test_it_names_every_missing_setting(new_process):
    status, words = refused(new_process, ZOOM_CLIENT_ID="", SANDBOX_DATABASE=" ")
    assert (status, words) == (2, "sandbox: set SANDBOX_DATABASE, ZOOM_CLIENT_ID\n")


def test_a_taken_port_is_one_clear_line(new_process):
    with socket.create_server(("127.0.0.1", new_process.port)):
        status, words = refused(new_process)
    assert (status, words.count("\n")) == (2, 1)
    assert f"port {new_process.port}" in words


def test_what_it_knew_survives_a_kill(new_process, client_of):
    new_process.start()
    zoom = client_of(new_process)
    token = zoom.connect()
    made = zoom.create(token["access_token"]).json()
    zoom.write(subject="Kept")
    zoom.fault("500", count=3)
    zoom.post("/api/settings", json={"expires_in": 77})
    zoom.session.close()
    new_process.stop(signal.SIGKILL)
    new_process.start()
    assert zoom.create(token["access_token"]).status_code == 500
    zoom.delete("/api/faults")
    seen = zoom.call("GET", f"/meetings/{made['id']}", token["access_token"]).json()
    assert seen["join_url"] == made["join_url"]
    assert zoom.mails()[0]["subject"] == "Kept"
    assert zoom.refresh(token["refresh_token"]).json()["expires_in"] == 77
    zoom.session.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quickly_and_cleanly(new_process, client_of, number):
    new_process.start()
    zoom = client_of(new_process)
    zoom.fault("slow", seconds=30)
    with (
        socket.create_connection(("127.0.0.1", new_process.port)) as caller,
        zoom.smtp() as door,
    ):
        caller.sendall(b"GET /v2/users/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        door.noop()
        while not zoom.get("/api/calls").json():
            time.sleep(0.01)
        at = time.monotonic()
        assert new_process.stop(number) == 0
        assert time.monotonic() - at < 1
        door.close()
    zoom.session.close()


def test_an_event_on_its_way_survives_a_restart(new_process, client_of, calsync, until):
    calsync.requests.clear()
    calsync.answers[:] = [(500, b"")]
    new_process.start()
    zoom = client_of(new_process)
    zoom.post("/api/settings", json={"webhook_retries": [0.5]})
    zoom.connect()
    zoom.post("/api/uninstall", json={"user": "aya"})
    until(lambda: calsync.requests)
    until(lambda: zoom.get("/api/webhooks").json()[0]["attempts"] == 1)
    zoom.session.close()
    new_process.stop()
    new_process.start()
    until(lambda: len(calsync.requests) == 2)


def test_it_never_imports_the_product(new_process):
    code = "import sys, sandbox.serving; sys.exit('app' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], env=new_process.environment, check=False)
    assert run.returncode == 0
