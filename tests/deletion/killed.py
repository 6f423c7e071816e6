"""The command in a process that kills itself right before its n-th commit.

python -m tests.deletion.killed 3 delete-account aya@example.jp --yes
"""

import os
import signal
import sys

from sqlalchemy import event

from app import create_app
from app.db import db


def main() -> None:
    left = int(sys.argv[1])

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    app = create_app()
    with app.app_context():
        event.listen(db.engine, "commit", count)
        app.cli.main(args=sys.argv[2:])


if __name__ == "__main__":
    main()
