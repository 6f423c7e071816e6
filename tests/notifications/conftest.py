from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture(autouse=True, scope="module")
def in_app(bare_app: Flask) -> Iterator[None]:
    """Mails are written in an app's context; no database is asked."""
    with bare_app.app_context():
        yield
