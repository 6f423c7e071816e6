"""What a host says about one booking."""

from flask_babel import lazy_gettext as _l
from wtforms.validators import Length

from ..bookings.models import WORDS_LENGTH
from ..web.forms import LocalForm, Text


class MessageForm(LocalForm):
    """`message`, for the client."""

    message = Text(
        _l("Message (optional)"),
        [Length(max=WORDS_LENGTH, message=_l("Use a shorter text."))],
    )

    @property
    def words(self) -> str | None:
        """The message; None for an empty one."""
        return self.message.data or None
