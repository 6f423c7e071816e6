"""The proxy configurations that are shipped do what they say, in the proxies themselves."""

import time

import requests

from tests.deploy.conftest import Proxy
from tests.support.proxies import HOST, unsent_bodies
from tests.support.services import wait_until


def test_what_the_visitor_makes_up_about_the_way_here_is_not_passed_on(proxy: Proxy) -> None:
    made_up = {
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
    }
    answer = requests.get(proxy.base, headers=made_up, verify=str(proxy.certificate), timeout=10)
    assert answer.status_code == 204
    [(_method, headers, _body)] = proxy.seen.requests
    assert headers["x-forwarded-for"] == HOST
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"].partition(":")[0] == HOST
    assert headers["host"].partition(":")[0] == HOST


def test_a_body_reaches_the_app_when_it_is_whole_and_not_before(proxy: Proxy) -> None:
    connections = [proxy.connect() for _ in range(40)]
    with unsent_bodies(connections):
        page = requests.get(proxy.base, verify=str(proxy.certificate), timeout=5)
        assert page.status_code == 204
        time.sleep(0.5)
        assert [method for method, _headers, _body in proxy.seen.requests] == ["GET"]
        connections[0].sendall(b"x" * 990)
        wait_until(lambda: len(proxy.seen.requests) == 2, "the body that was sent")
    assert proxy.seen.requests[1][2] == b"email=aya%" + b"x" * 990


def test_what_is_longer_than_any_form_is_refused(proxy: Proxy) -> None:
    answer = requests.post(
        proxy.base, data=b"x" * 300_000, verify=str(proxy.certificate), timeout=10
    )
    assert answer.status_code in {413, 502}  # Debian 12's Caddy has no better word for it
    assert all(len(body) < 300_000 for _method, _headers, body in proxy.seen.requests)
