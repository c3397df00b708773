"""Addresses of servers, as variables give them: strictly read, since half an address is another one.

In user, password, host and name ``%XX`` stands for a byte of UTF-8, as everywhere in URLs. An address that can be read
in two ways (a password with a bare ``/``) is refused; no message tells a password.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

_SHAPE = re.compile(
    r"""(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://
    (?:(?P<user>[^:/?\#]*)(?::(?P<password>[^/?\#]*))?@)?
    (?P<host>\[[0-9A-Fa-f:.]+\]|[^:/?\#@\[\]\s]*)
    (?::(?P<port>[0-9]{1,5}))?
    (?:/(?P<path>[^?\#@]*))?
    (?:\?(?P<query>[^\#@]*))?""",
    re.VERBOSE,
)
_ESCAPES = "In an address write / ? # @ : % and blanks of a user, a password or a name as %2F %3F %23 %40 %3A %25 %20."
_DATABASE = "set postgresql://USER:PASSWORD@HOST/NAME or sqlite:///PATH."
_EMAIL = "set smtp+tls://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465 (TLS from the start)."
_REDIS = "set redis://HOST:6379/1 or, with TLS, rediss://USER:PASSWORD@HOST:6379/1."
_BROKER = "set redis://HOST:6379/0, amqp://USER:PASSWORD@HOST:5672/VHOST, or rediss:// and amqps:// with TLS."
_ENDPOINT = "set https://HOST or http://HOST:PORT."


class AddressError(ValueError):
    """An address that cannot be used; the message goes on where the variable's name has been said."""


@dataclass(frozen=True)
class Address:
    """The parts of an address, unquoted. ``query`` is as it was written."""

    scheme: str
    user: str
    password: str
    host: str
    port: int | None
    path: str
    query: str

    @property
    def options(self) -> dict[str, str]:
        """The query's options, each given once."""
        pairs = [pair.partition("=") for pair in self.query.split("&") if pair]
        options = {_unquote(name): _unquote(value) for name, _equals, value in pairs}
        if len(options) < len(pairs):
            raise AddressError("gives an option twice; keep one.")
        return options

    def quoted(self, *, path: str, query: str) -> str:
        """The address again, with everything special in it quoted, so that every library reads the same."""
        account = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user or self.password else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{account}{self.host}{port}/{path}{'?' if query else ''}{query}"


def parse_address(text: str, *, schemes: Collection[str], example: str) -> Address:
    """Read an address.

    Raises ``AddressError`` for one of another scheme, or that cannot be read in one way alone.
    """
    scheme = re.match(r"[A-Za-z0-9+.-]*(?=:)", text)
    if not scheme or scheme[0].lower() not in schemes:
        told = f"begins with {scheme[0]!r}" if scheme and scheme[0] else "has no scheme"
        raise AddressError(f"{told}; {example}")
    found = _SHAPE.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if not found or port == 0 or (port or 0) > 65535:  # noqa: PLR2004 the largest port
        raise AddressError(f"cannot be read as an address; {example} {_ESCAPES}")
    return Address(
        scheme=scheme[0].lower(),
        user=_unquote(found["user"] or ""),
        password=_unquote(found["password"] or ""),
        host=_host(_unquote(found["host"]), example),
        port=port,
        path=_unquote(found["path"] or ""),
        query=found["query"] or "",
    )


def describe_sqlite(path: Path) -> dict[str, Any]:
    """Django's description of a SQLite file, whatever its path holds."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


def describe_database(text: str) -> dict[str, Any]:
    """Django's description of the database at an address.

    Raises ``AddressError`` for another database, a missing folder or an option that PostgreSQL does not know.
    """
    if text.partition(":")[0].lower() == "sqlite":
        return _sqlite_of(text)
    address = parse_address(text, schemes=("postgres", "postgresql", "sqlite"), example=_DATABASE)
    if not address.path or "/" in address.path:
        raise AddressError(f"names no database; {_DATABASE}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": address.host.strip("[]"),
        "PORT": address.port or "",
        "OPTIONS": _known_to_postgresql(address.options),
    }


def describe_email(text: str) -> dict[str, Any]:
    """Django's settings for a mail server.

    Raises ``AddressError`` for another scheme than the port speaks, or credentials that SMTP cannot carry.
    """
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    address = parse_address(text, schemes=ports, example=_EMAIL)
    spoken = {port: scheme for scheme, port in ports.items()}.get(address.port or 0, address.scheme)
    # The two kinds of TLS do not understand each other: the mail would hang until its time is up.
    if spoken != address.scheme and "smtps" in (spoken, address.scheme):
        raise AddressError(f"asks port {address.port} to speak {address.scheme}, and it speaks {spoken}; {_EMAIL}")
    if not address.host or address.path or address.query:
        raise AddressError(f"needs a host, and nothing behind it; {_EMAIL} {_ESCAPES}")
    if not (address.user + address.password).isascii():
        raise AddressError("has letters outside ASCII in user or password, which SMTP cannot carry; choose others.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": address.host.strip("[]"),
        "EMAIL_PORT": address.port or ports[address.scheme],
        "EMAIL_HOST_USER": address.user,
        "EMAIL_HOST_PASSWORD": address.password,
        "EMAIL_USE_TLS": address.scheme == "smtp+tls",
        "EMAIL_USE_SSL": address.scheme == "smtps",
    }


def quote_redis(text: str) -> str:
    """The address of a Redis or Valkey, quoted.

    Raises ``AddressError`` for another scheme, no host, or a database that is no number.
    """
    address = parse_address(text, schemes=("redis", "rediss"), example=_REDIS)
    return _quote_redis(address, example=_REDIS, query=address.query)


def quote_broker(text: str) -> str:
    """The address of a broker, quoted.

    Raises ``AddressError`` for another scheme, no host, or a database of Redis that is no number.
    """
    address = parse_address(text, schemes=("redis", "rediss", "amqp", "amqps"), example=_BROKER)
    if address.scheme.startswith("redis"):
        # Celery would speak without TLS if it is not told what to ask of the certificate.
        secure = address.scheme == "rediss" and "ssl_cert_reqs" not in address.options
        query = "&".join(filter(None, (address.query, "ssl_cert_reqs=required" if secure else "")))
        return _quote_redis(address, example=_BROKER, query=query)
    if not address.host:
        raise AddressError(f"names no host; {_BROKER}")
    return address.quoted(path=quote(address.path, safe=""), query=address.query)


def check_endpoint(text: str) -> str:
    """The address of an HTTP service, as it was.

    Raises ``AddressError`` for another scheme, no host, or an account or a query in it.
    """
    address = parse_address(text, schemes=("http", "https"), example=_ENDPOINT)
    if not address.host or address.user or address.password or address.query:
        raise AddressError(f"needs a host, and neither account nor query; {_ENDPOINT}")
    return text


def _quote_redis(address: Address, *, example: str, query: str) -> str:
    if not address.host or not re.fullmatch(r"[0-9]{0,5}", address.path):
        raise AddressError(f"needs a host, and a number as its database; {example}")
    return address.quoted(path=address.path or "0", query=query)


def _sqlite_of(text: str) -> dict[str, Any]:
    """A path may hold `?` and `#` as they are: an address of SQLite has neither query nor fragment."""
    rest = text.partition(":")[2]
    if rest in ("//", "//:memory:", "///:memory:"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    if not rest.startswith("///") or rest in ("///", "////"):
        raise AddressError(
            "names no file; set sqlite:///PATH, with four strokes before an absolute path: sqlite:////srv/skin.sqlite3."
        )
    path = Path(_unquote(rest[3:])).absolute()
    try:
        missing, folder = not path.parent.is_dir(), path.is_dir()
    except OSError as error:
        raise AddressError(f"leads to {str(path)!r}, which cannot be looked at ({error.strerror}).") from error
    if missing:
        raise AddressError(
            f"leads to {str(path.parent)!r}, which is no folder; make it, or correct the path (%25 stands for %)."
        )
    if folder:
        raise AddressError(f"leads to {str(path)!r}, which is a folder; name a file in it.")
    return describe_sqlite(path)


def _known_to_postgresql(options: dict[str, str]) -> dict[str, str]:
    """The options, if the client library knows them all."""
    try:
        from psycopg import ProgrammingError  # noqa: PLC0415 what serves SQLite alone need not have it
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 as above
    except ImportError as error:
        raise AddressError(
            "is of PostgreSQL, whose client is not installed; run pip install -r requirements/production.txt."
        ) from error
    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise AddressError(
            f"gives PostgreSQL an option that it does not know ({' '.join(str(error).split())}); correct or remove it."
        ) from error
    return options


def _host(host: str, example: str) -> str:
    """A host as name servers know it; the folder of a socket as it is."""
    if host.isascii() or host.startswith("/"):
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError as error:
        raise AddressError(f"has a host that is no name; {example}") from error


def _unquote(text: str) -> str:
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise AddressError(f"holds %XX that is not UTF-8. {_ESCAPES}") from error
    if "\0" in plain or "\n" in plain or "\r" in plain:
        raise AddressError("holds %00, %0A or %0D, which no server takes; remove it.")
    return plain
