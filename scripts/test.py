"""`make test`: every test, in two halves beside each other, a core for each.

Run as `python -m scripts.test`. With arguments it is one pytest with these.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence

PYTEST = (sys.executable, "-m", "pytest")
# What is on PostgreSQL, and the longest of what needs no database: about half of the time.
ONE_HALF = "postgresql or test_properties"


def main(arguments: Sequence[str]) -> int:
    """The exit status: pytest's; of two the first that is not 0."""
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    with tempfile.TemporaryFile("w+", encoding="utf-8") as later:
        beside = subprocess.Popen([*PYTEST, "-k", ONE_HALF], stdout=later, stderr=subprocess.STDOUT)
        status = subprocess.call([*PYTEST, "-k", f"not ({ONE_HALF})"])
        print("\nBeside these:\n", flush=True)
        status_beside = beside.wait()
        later.seek(0)
        print(later.read(), flush=True)
    return status or status_beside


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
