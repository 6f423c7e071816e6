"""`make test`: every test, those on PostgreSQL beside all the others, a core for each.

Run as `python -m scripts.test`. With arguments it is one pytest with these.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence

PYTEST = (sys.executable, "-m", "pytest")


def main(arguments: Sequence[str]) -> int:
    """The exit status: pytest's; of two the worse."""
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    with tempfile.TemporaryFile("w+", encoding="utf-8") as later:
        beside = subprocess.Popen(
            [*PYTEST, "-k", "postgresql"], stdout=later, stderr=subprocess.STDOUT
        )
        status = subprocess.call([*PYTEST, "-k", "not postgresql"])
        print("\nOn PostgreSQL, beside these:\n", flush=True)
        status = max(status, beside.wait())
        later.seek(0)
        print(later.read(), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
