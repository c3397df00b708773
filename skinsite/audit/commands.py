"""What is done on the server's command line to people and records leaves a trace as well."""

import getpass
from collections.abc import Sequence

import django
from django.db import DatabaseError

RECORDED = frozenset(
    {"changepassword", "createsuperuser", "dbshell", "dumpdata", "flush", "loaddata", "reproduce", "shell"}
    | {"sweep_storage"}
)
"""Commands that read or change people or records, and write no event of their own."""


def record_command(arguments: Sequence[str]) -> None:
    """Tell the trail that a command was begun, and under which account of the machine; nothing of its arguments.

    Where the database cannot be used the command says so itself.
    """
    name = arguments[1] if len(arguments) > 1 else ""
    if name not in RECORDED or {"--help", "-h"} & set(arguments):
        return
    django.setup()
    from skinsite.audit import own as audit  # noqa: PLC0415 models are ready only now

    try:
        audit.command_begun(name=name, account=_account())
    except DatabaseError:
        return


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return ""
