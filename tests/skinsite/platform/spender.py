"""Many threads of one process that spend at once: ``python -m tests.skinsite.platform.spender QUOTA TRIES``.

Prints how many uses passed, and begins when a line comes in, so that several processes begin together.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import django

THREADS = 16


def main() -> None:
    """Spend, and say how often that passed."""
    quota, tries = int(sys.argv[1]), int(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.development")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 after the set-up
    from django.db import connection  # noqa: PLC0415 as above

    from skinsite.platform.rate_limits import spend  # noqa: PLC0415 as above
    from skinsite.settings.rates import Rate  # noqa: PLC0415 as above

    settings.RATE_LIMITS = {"test": Rate(quota, 3600)}
    together = Barrier(THREADS)

    def one_thread(_number: int) -> int:
        connection.ensure_connection()
        together.wait(timeout=60)  # one that cannot connect is told, and the others do not wait for it for ever
        standings = [spend("test", "somebody") for _time in range(tries)]
        connection.close()
        return sum(standing is not None and standing.passed for standing in standings)

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        print(sum(pool.map(one_thread, range(THREADS))))


if __name__ == "__main__":
    main()
