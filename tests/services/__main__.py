"""`make services`: obtain every server that tests need, and say what can't be had."""

from __future__ import annotations

import sys

from tests.services import chromium, mariadb
from tests.services.service import Unavailable, required

SERVICES = {chromium.NAME: chromium.obtain, mariadb.NAME: mariadb.obtain}


def main() -> int:
    """Obtain all; return 1 where one is missing and the environment requires it."""
    missing = 0
    for name, obtain in SERVICES.items():
        try:
            print(f"{name}: {obtain()}")  # noqa: T201
        except Unavailable as error:
            missing += 1
            print(f"not available: {error}")  # noqa: T201
    return 1 if missing and required() else 0


if __name__ == "__main__":
    sys.exit(main())
