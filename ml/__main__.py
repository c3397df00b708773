"""``python -m ml VERB``: every command for research; ``--help`` lists them with their requirements."""

import argparse
import sys
from collections.abc import Sequence

from ml.support.command_line import command
from ml.verbs.table import GROUPS, VERBS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 2 with one line for errors of the user, 130 after Ctrl-C."""
    words = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(words or ["--help"])
    verb = VERBS[options.verb]
    return command(when_stopped=verb.when_stopped)(verb.run)(options)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m ml",
        description=f"{list_verbs()}\n\npython -m ml VERB --help says what a command does and which options it takes.",
        formatter_class=as_written,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS.values():
        verb.options(verbs.add_parser(verb.name, description=verb.description, formatter_class=as_written))
    return parser


def list_verbs() -> str:
    """The table of commands: name, requirement and purpose."""
    width = max(map(len, VERBS))
    lines = []
    for title, group in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {verb.name:{width}}  {verb.needs.value.rpartition('/')[2]:8}  {verb.help}" for verb in group]
    return "\n".join(lines).strip()


if __name__ == "__main__":
    raise SystemExit(main())
