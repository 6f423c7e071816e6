"""The IMAP server of `make chaos`: `python -m scripts.dovecot` fetches one where the machine lets us.

Debian's package, as root, whom Dovecot needs to give each of its parts a user. Elsewhere the tests that want
it are skipped; the same tests run at a server of our own (tests/support/imap.py).
"""

import os
import shutil
import sys

from scripts import chromium

PACKAGE = "dovecot-imapd"
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin"


def find() -> str | None:
    """Its path, where it can be run."""
    return shutil.which("dovecot", path=PLACES) if os.geteuid() == 0 else None


def main() -> int:
    """0 in any case: the rest of `make chaos` needs no IMAP server."""
    if not find() and chromium._can_apt():
        chromium._apt([PACKAGE])
    if not find():
        print(f"*** NO DOVECOT: its tests are skipped. As root: apt-get install {PACKAGE} ***")
    return 0


if __name__ == "__main__":
    sys.exit(main())
