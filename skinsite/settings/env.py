"""The one place that reads the environment: typed, and `NAME_FILE` aware for Docker secrets."""

from typing import Any
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment:
    """Reads variables by name; a bad value or a missing one is told with the variable and the remedy."""

    def __init__(self) -> None:
        self._env = environ.FileAwareEnv()

    def text(self, name: str, default: str = "") -> str:
        """A string, without the line end that files of secrets often have."""
        return str(self._env.str(name, default=default)).strip()

    def required(self, name: str, remedy: str) -> str:
        """A string that must be there.

        Raises:
            ImproperlyConfigured: without it, with the remedy.
        """
        value = self.text(name)
        if not value:
            msg = f"{name} is not set, and production does not start without it. {remedy}"
            raise ImproperlyConfigured(msg)
        return value

    def number(self, name: str, default: int, *, minimum: int = 0) -> int:
        """A whole number.

        Raises:
            ImproperlyConfigured: for anything else, or one below the minimum.
        """
        value = self.text(name) or str(default)
        try:
            number = int(value)
        except ValueError:
            number = minimum - 1
        if number < minimum:
            msg = f"{name} is {value!r}; set a whole number of at least {minimum}."
            raise ImproperlyConfigured(msg)
        return number

    def switch(self, name: str, *, default: bool) -> bool:
        """On (1, true, yes, on) or off (0, false, no, off).

        Raises:
            ImproperlyConfigured: for anything else.
        """
        value = self.text(name).lower()
        if not value:
            return default
        if value not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
            msg = f"{name} is {value!r}; set 1 or 0."
            raise ImproperlyConfigured(msg)
        return value in {"1", "true", "yes", "on"}

    def words(self, name: str) -> list[str]:
        """Words with commas between them."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def database(self, name: str, default: str = "") -> dict[str, Any]:
        """Django's description of the database at an address such as ``postgresql://user:password@host/name``.

        Raises:
            ImproperlyConfigured: for a database that is neither SQLite nor PostgreSQL.
        """
        address = self.text(name) or default
        scheme = address.partition(":")[0]
        if scheme not in {"sqlite", "postgres", "postgresql"}:
            msg = f"{name} begins with {scheme!r}; set sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME."
            raise ImproperlyConfigured(msg)
        described: dict[str, Any] = environ.Env.db_url_config(address)
        # A folder with a socket comes as a quoted host.
        described["HOST"] = unquote(described.get("HOST", ""))
        return described

    def email(self, name: str) -> dict[str, Any]:
        """Django's settings for sending mail by an address such as ``smtp+tls://user:password@host:587``."""
        return dict(environ.Env.email_url_config(self.text(name))) if self.text(name) else {}


env = Environment()
