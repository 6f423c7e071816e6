"""The client's address, as its host corrects it."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField
from wtforms.validators import DataRequired, Length

from ..accounts.models import EMAIL_LENGTH
from ..web.forms import Address, LocalForm


class AddressForm(LocalForm):
    """`email`, and how often the mail was sent again when the form was shown."""

    email = Address(
        _l("Email address"),
        [
            DataRequired(_l("Enter the client's email address.")),
            Length(max=EMAIL_LENGTH, message=_l("Use a shorter address.")),
        ],
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    after = IntegerField(default=0)

    @property
    def times(self) -> int:
        """How often, with nonsense read as none."""
        return min(max(self.after.data or 0, 0), 1_000)
