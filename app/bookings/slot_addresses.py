"""A slot in an address: `/b/<slug>/20261201T003000Z`."""

from datetime import UTC, datetime

from werkzeug.routing import BaseConverter, ValidationError

from .public_month import is_drawable

SLOT_FORM = "%Y%m%dT%H%M%SZ"


class SlotConverter(BaseConverter):
    """`20261201T003000Z` in an address: a start in UTC, to the second."""

    regex = r"\d{8}T\d{6}Z"
    part_isolating = True

    def to_python(self, value: str) -> datetime:
        try:
            start = datetime.strptime(value, SLOT_FORM).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError from error
        if not is_drawable(start):
            raise ValidationError
        return start

    def to_url(self, value: datetime) -> str:
        return f"{value.astimezone(UTC):{SLOT_FORM}}"
