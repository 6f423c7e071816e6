"""The tests. Zone rules are the product's before anything asks for a zone."""

import app.i18n.zones  # noqa: F401
