"""Full disks: how they are recognised, whoever met one."""

import errno

from django.utils.translation import gettext_lazy

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
POSTGRESQL_FULL = "53100"

SENTENCE = gettext_lazy(
    "The disk of this service is full, so nothing was saved. Tell whoever runs it to make room, and then try again."
)


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that a disk is full: a file's, SQLite's or PostgreSQL's."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return True
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            return True
        if getattr(error, "sqlstate", "") == POSTGRESQL_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
