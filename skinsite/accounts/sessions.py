"""Sessions in the database, whose keys are what this site makes and nothing else."""

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

KEY = re.compile(r"[0-9a-z]{32}")


class SessionStore(DatabaseStore):
    """Django's own. A key from a cookie that no session can have is none: no database is asked, and none refuses it."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and KEY.fullmatch(key))
