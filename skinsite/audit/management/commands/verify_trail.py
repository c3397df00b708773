"""Verify the audit trail."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from tqdm import tqdm

from skinsite.audit.seals import heads
from skinsite.audit.verification import count_unsealed, find_other_head, verify_trail
from skinsite.commands import OneLineCommand

HEAD = re.compile(r"(\d+)/(\d+)/([0-9a-f]{64})")


class Command(OneLineCommand):
    """Goes through every chain from its beginning and names the first row that is not as it was written."""

    help = (
        "Verify that the audit trail is as it was written; exit code 1 names the first row that is not. --head also "
        "holds it to what the log told on some day (trail_head chain=3 number=17 sha256=…), which a trail that was cut "
        "off, or written anew as a whole, does not have."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Heads that the log told."""
        parser.add_argument(
            "--head", action="append", default=[], type=_head, metavar="CHAIN/NUMBER/SHA256", help="may be repeated"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify, with a bar, and say what was found."""
        total = sum(head.number for head in heads())
        with tqdm(total=total, unit="event", disable=None) as bar:
            verdict = verify_trail(progress=bar.update)
        broken = verdict.broken or next(filter(None, (find_other_head(*head) for head in options["head"])), "")
        self.stdout.write(
            f"{verdict.checked} events are as they were written; of {verdict.erased} what they said was erased by a "
            f"warrant, {verdict.former} are of a version that wrote no hash; {count_unsealed()} wait to be sealed"
        )
        if broken:
            self.stderr.write(f"The trail is broken: {broken}.")
            sys.exit(1)


def _head(text: str) -> tuple[int, int, str]:
    found = HEAD.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not CHAIN/NUMBER/SHA256")
    return int(found[1]), int(found[2]), found[3]
