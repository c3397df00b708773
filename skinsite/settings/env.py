"""The one place that reads the environment: typed, literal, and `NAME_FILE` aware for Docker secrets."""

import os
import re
from collections.abc import Callable, Collection
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from skinsite.settings import addresses

Parsed = TypeVar("Parsed")

# What Django itself takes as the name in a request's Host header, after IDNA.
_HOST = re.compile(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>[^/:@?#]+|\[[^\]]*\])(?P<port>:[0-9]{1,5})?/?")
# A secret of several megabytes is another file, named by mistake.
_LARGEST_FILE = 64 * 1024


def refuse(name: str, fault: str) -> NoReturn:
    """Refuse a variable.

    Raises ``ImproperlyConfigured`` always, in one line that begins with the variable's name.
    """
    raise ImproperlyConfigured(f"{name} {' '.join(fault.split())}")


class Environment:
    """Reads variables by name, as they are: nothing in them is expanded.

    A variable that is empty counts as not set. Every method raises ImproperlyConfigured for a value that cannot be
    used: one line with the variable and the remedy, and never the value of a secret.
    """

    def text(self, name: str, default: str = "") -> str:
        """A string, without blanks and line ends around it, which files of secrets often have."""
        value, source = self._read(name)
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse(source, "is not in UTF-8; write it in UTF-8.")
        if any(ord(letter) < ord(" ") or ord(letter) == 127 for letter in value):  # noqa: PLR2004 DEL
            refuse(source, "holds a line break or another control character; keep it on one line.")
        return value or default

    def required(self, name: str, remedy: str) -> str:
        """A string that must be there."""
        return self.text(name) or self.missing(name, remedy)

    def missing(self, name: str, remedy: str) -> NoReturn:
        """Refuse to go on without a variable."""
        refuse(name, f"is not set, and production does not start without it. {remedy}")

    def number(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number between two bounds, both included."""
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,12}", value) or not minimum <= int(value) <= maximum:
            refuse(name, f"is {value!r}; set a whole number of at least {minimum} and at most {maximum}.")
        return int(value)

    def switch(self, name: str, *, default: bool) -> bool:
        """On (1, true, yes, on) or off (0, false, no, off)."""
        value = self.text(name).lower()
        if not value:
            return default
        if value not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
            refuse(name, f"is {value!r}; set 1 or 0.")
        return value in {"1", "true", "yes", "on"}

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """One of several words, or the default; letters of either case."""
        value = self.text(name)
        if not value:
            return default
        spelt = {word.lower(): word for word in choices}
        return spelt.get(value.lower()) or refuse(name, f"is {value!r}; set one of: {', '.join(choices)}.")

    def words(self, name: str) -> list[str]:
        """Words with commas between them, each once."""
        return list(dict.fromkeys(word.strip() for word in self.text(name).split(",") if word.strip()))

    def path(self, name: str, default: Path) -> Path:
        """A folder, which need not be there yet; a relative one is taken from where the command runs."""
        path = Path(self.text(name, str(default))).absolute()
        try:
            taken = path.exists() and not path.is_dir()
        except OSError as error:
            refuse(name, f"cannot be looked at ({error.strerror}); name another folder.")
        if taken:
            refuse(name, f"is {str(path)!r}, which is no folder; name one.")
        return path

    def hosts(self, name: str, *, wildcard: bool = False) -> list[str]:
        """Names that a site answers for, as browsers send them: lower case, IDNA; ``.example.org`` with all below."""
        hosts = []
        for word in self.words(name):
            host = _to_ascii(word)
            if not (_HOST.fullmatch(host) or (host == "*" and wildcard)):
                refuse(
                    name,
                    f"holds {word!r}; set bare names with commas between them, without https://, port or path, "
                    "and .example.org (not *) for all names under one.",
                )
            hosts.append(host)
        return hosts

    def origins(self, name: str, *, schemes: tuple[str, ...]) -> list[str]:
        """Origins such as ``https://skin.example.org:8443``; ``https://*.example.org`` for all names under one."""
        origins = []
        for word in self.words(name):
            found = _ORIGIN.fullmatch(word)
            host = _to_ascii(found["host"]) if found else ""
            if not found or found["scheme"] not in schemes or not _HOST.fullmatch(host):
                refuse(name, f"holds {word!r}; set {schemes[0]}://NAME, with its port if it has one.")
            origins.append(f"{found['scheme']}://{found['any'] or ''}{host}{found['port'] or ''}")
        return origins

    def sender(self, name: str, default: str) -> str:
        """An address that mail comes from, alone or as ``Skin clinic <skin@example.org>``."""
        value = self.text(name, default)
        try:
            validate_email(parseaddr(value)[1])
        except ValidationError:
            refuse(name, f"is {value!r}; set skin@example.org or Skin clinic <skin@example.org>.")
        return value

    def database(self, name: str, default: Path | None = None) -> dict[str, Any]:
        """Django's description of the database at an address; of the SQLite file ``default`` without one."""
        address = self.text(name)
        if not address and default:
            return addresses.describe_sqlite(default)
        return self._parsed(name, addresses.describe_database, address)

    def email(self, name: str) -> dict[str, Any]:
        """Django's settings for sending mail by an address such as ``smtp+tls://user:password@host:587``."""
        address = self.text(name)
        return self._parsed(name, addresses.describe_email, address) if address else {}

    def redis(self, name: str) -> str:
        """An address of Redis or Valkey, with whatever in it is special quoted; empty without one."""
        address = self.text(name)
        return self._parsed(name, addresses.quote_redis, address) if address else ""

    def broker(self, name: str) -> str:
        """An address of Redis, Valkey or an AMQP broker, with whatever in it is special quoted; empty without one."""
        address = self.text(name)
        return self._parsed(name, addresses.quote_broker, address) if address else ""

    def endpoint(self, name: str) -> str:
        """An address of an HTTP service, without account and query; empty without one."""
        address = self.text(name)
        return self._parsed(name, addresses.check_endpoint, address) if address else ""

    def _parsed(self, name: str, parse: Callable[[str], Parsed], address: str) -> Parsed:
        try:
            return parse(address)
        except addresses.AddressError as error:
            refuse(name, str(error))

    def _read(self, name: str) -> tuple[str, str]:
        """The value, and the variable that gave it: the name itself, or ``NAME_FILE``."""
        value, file = os.environ.get(name, "").strip(), os.environ.get(f"{name}_FILE", "").strip()
        if value and file:
            refuse(name, f"and {name}_FILE are both set; keep one of them.")
        if not file:
            return value, name
        return _read_file(f"{name}_FILE", file), f"{name}_FILE"


def _read_file(variable: str, path: str) -> str:
    """What a file of a secret holds; Windows' mark of UTF-8 at its beginning is no part of it."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        value = content.decode("utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        who = f"user {os.geteuid()}" if hasattr(os, "geteuid") else "this user"
        refuse(
            variable,
            f"names {path!r}, which {who} cannot read ({why}); correct the path, or the file's owner and mode.",
        )
    if len(content) > _LARGEST_FILE:
        refuse(variable, f"names {path!r}, which is too large for a value; name the file that holds the value alone.")
    return value or refuse(variable, f"names {path!r}, which is empty; write the value into it.")


def _to_ascii(host: str) -> str:
    """A name as a browser sends it; what has no such form stays, and is refused by whoever asked."""
    try:
        return host.lower() if host.isascii() else host.encode("idna").decode().lower()
    except UnicodeError:
        return host


env = Environment()
