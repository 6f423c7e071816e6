"""What the web server itself writes down names no visitor and no secret link."""

import socket
import time
from pathlib import Path

import pytest
from flask import Flask

from bench.serve import web_processes
from bench.stage import Stage
from tests.conftest import test_environment
from tests.support.proxies import HOST


def test_an_invalid_request_is_logged_without_whose_and_which(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stage = Stage("sqlite", Flask("nobody"), test_environment(tmp_path))
    with web_processes(stage) as port:
        for line in ("GET /booking/a-secret HTTP/9.9", "GET /booking/a secret HTTP/1.1"):
            with socket.create_connection((HOST, port), timeout=10) as connection:
                connection.sendall(
                    f"{line}\r\nHost: {HOST}\r\nX y: ken@example.com\r\n\r\n".encode()
                )
                assert b" 400 " in connection.recv(100)
        time.sleep(0.2)
    told = capfd.readouterr().err
    assert told.count("Invalid request") == 2
    for words in ("ip=", "secret", "ken@", "/booking"):
        assert words not in told
