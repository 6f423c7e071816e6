"""The app object, for the web server and for `flask`."""

import sys

from app import create_app
from app.config import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    lines = "".join(f"  - {problem}\n" for problem in error.problems)
    sys.exit(f"CalSync cannot start. Set these, then start again:\n{lines}")
