"""Exit 0 when the web process of this container answers /healthz; the image's HEALTHCHECK."""

import os
import sys
import urllib.request
from urllib.parse import urlsplit


def main() -> int:
    port = os.environ.get("PORT") or "8000"
    # The app refuses hosts that are not its own.
    host = urlsplit(os.environ.get("PUBLIC_BASE_URL", "")).netloc or f"127.0.0.1:{port}"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310  (http, above)
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(f"healthz: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
