"""Fixtures of this folder."""

import pytest
from flask import Flask

from app.bookings.models import Booking
from tests.support.cast import connect_zoom, make_booking, make_host, make_page


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's booking on a page with Auto-create on; Aya is connected."""
    host = make_host()
    connect_zoom(host)
    return make_booking(make_page(host, auto_zoom=True))
