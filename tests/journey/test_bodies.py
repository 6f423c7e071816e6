"""Bodies as a real server sees them."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.support.stack import Stack


def test_a_body_of_unknown_length_is_refused(stack: Stack) -> None:
    address = urlsplit(stack.base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)

    def chunks() -> Iterator[bytes]:
        yield b"lang="
        for _ in range(160):
            yield b"x" * 1024

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/language", chunks(), kind, encode_chunked=True)
    status = connection.getresponse().status
    connection.close()
    # 413 where more than may be came before the length was missed.
    assert status in {411, 413}
