"""Run the sandbox until SIGTERM or SIGINT."""

import os
import sys

from sandbox.serving import CannotListen, serve
from sandbox.settings import BadSettings, Settings


def main() -> int:
    """Return the exit status: 0 after a signal, 2 when it must not or cannot start."""
    try:
        serve(Settings.from_environment(os.environ))
    except (BadSettings, CannotListen) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
