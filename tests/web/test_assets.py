"""The stylesheet and the script under an address with their version."""

import pytest
from flask import Flask

BASE = "http://127.0.0.1"


@pytest.mark.parametrize("kind", ["css", "js"])
def test_only_its_own_version_is_kept_for_ever(bare_app: Flask, kind: str) -> None:
    name = {"css": "stylesheet_address", "js": "script_address"}[kind]
    client = bare_app.test_client()
    ours = client.get(bare_app.jinja_env.globals[name], base_url=BASE)
    assert "immutable" in ours.headers["Cache-Control"]
    # As during a deploy: the page of a newer process asks an older one.
    other = client.get(f"/assets/0123456789ab.{kind}", base_url=BASE)
    assert other.status_code == 200
    assert other.data == ours.data
    assert other.headers["Cache-Control"] == "no-store"
