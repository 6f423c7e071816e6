"""The form for time off. Its days and times are the host's own."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms.validators import Length, ValidationError

from ..core.clock import utcnow
from ..i18n import gettext as _
from ..web.forms import Line, LocalForm
from .fields import ClockTime, Day, Filled
from .models import LABEL_LENGTH
from .ranges import end_of_range
from .time_off import span_of


class TimeOffForm(LocalForm):
    """`first_day`, `last_day` (left empty: the same), `opens` and `closes` (left empty: whole
    days), `label`."""

    first_day = Day(_l("First day"), [Filled(_l("Enter the first day."))])
    last_day = Day(_l("Last day"), description=_l("Empty: a single day."))
    opens = ClockTime(_l("From"), description=_l("On the first day. Empty: from its start."))
    closes = ClockTime(_l("To"), description=_l("On the last day. Empty: to its end."))
    label = Line(
        _l("Reason"),
        [Length(max=LABEL_LENGTH, message=_l("Use a shorter text."))],
        description=_l("Only you see it."),
    )

    def __init__(self, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def validate_last_day(self, field: Day) -> None:
        first_day = self.first_day.data
        if field.data is not None and first_day is not None and field.data < first_day:
            raise ValidationError(_("The last day must not be before the first."))

    def validate_closes(self, field: ClockTime) -> None:
        field.data = end_of_range(field.data)

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        starts_at, ends_at = self.span()
        if starts_at >= ends_at:
            self.closes.errors = [_("The end must be later than the start.")]
        elif ends_at <= utcnow():
            self.first_day.errors = [_("This time is over already.")]
        return not self.errors

    def span(self) -> tuple[datetime, datetime]:
        """The valid form's first and last instant, aware UTC, half-open."""
        first_day = self.first_day.data
        last_day = self.last_day.data or first_day
        return span_of(self.zone, first_day, last_day, self.opens.data, self.closes.data)
