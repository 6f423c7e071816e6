"""The app object, for the web server and for `flask`."""

import sys

from app import create_app
from app.core.config import ConfigurationError

# gunicorn starts a worker that ended with any other status again, for ever.
APP_LOAD_ERROR = 4

try:
    app = create_app()
except ConfigurationError as error:
    lines = "".join(f"  - {problem}\n" for problem in error.problems)
    print(f"CalSync cannot start. Set these, then start again:\n{lines}", file=sys.stderr)
    sys.exit(APP_LOAD_ERROR)
