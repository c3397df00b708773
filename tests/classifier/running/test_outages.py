"""What is killed or away for a while loses nothing and keeps nobody waiting: real workers, broker and database."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import connect
from psycopg.sql import SQL, Identifier

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site, Worker
from tests.classifier.running.test_worker import UNUSED_DATABASES
from tests.servers import create_postgres_database

DRAINED_WITHIN = 120.0  # seconds, with the time limits of production
SECONDS_AWAY = 8
PHOTOGRAPHS = 12
TAKE_A_MESSAGE = """
import sys, time
from kombu import Connection
channel = Connection(sys.argv[1]).channel()
assert channel.basic_get("celery") is not None
print("taken", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def site(postgres_server: str, valkey_url: str, tmp_path: Path) -> Site:
    """A site as in production, on PostgreSQL, with photographs that wait for a worker."""
    folder = tmp_path / "site"
    folder.mkdir()
    broker = f"{valkey_url.rpartition('/')[0]}/{next(UNUSED_DATABASES)}"
    database = create_postgres_database(postgres_server)
    site = Site.create(folder, database, PREDICTION_MODE="celery", BROKER_URL=broker)
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number in range(PHOTOGRAPHS):
        (photographs / f"{number}.jpg").write_bytes(draw_lesion(seed=number))
    assert site.work("upload_folder", photographs) == PHOTOGRAPHS
    return site


def count(site: Site, status: str) -> int:
    """How many readings have a status."""
    with connect(site.environment["DATABASE_URL"]) as database:
        row = database.execute("SELECT count(*) FROM classifier_prediction WHERE status = %s", [status]).fetchone()
    assert row is not None
    return int(row[0])


def attempts(site: Site) -> list[int]:
    """How often each reading was begun, ascending."""
    with connect(site.environment["DATABASE_URL"]) as database:
        return [row[0] for row in database.execute("SELECT attempts FROM classifier_prediction ORDER BY attempts")]


def take_a_message_and_die(site: Site) -> None:
    """Take a message as a worker does, and be killed before anything is done about it."""
    command = [sys.executable, "-c", TAKE_A_MESSAGE, site.environment["BROKER_URL"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as taker:
        assert taker.stdout is not None
        assert taker.stdout.readline() == "taken\n"
        taker.kill()


def kill_while_it_reads(site: Site, worker: Worker) -> None:
    """Kill a worker, its child and all, in the middle of a reading."""
    while True:
        site.wait_for("a worker reads", lambda: count(site, "running") == 1, pause=0.002)
        worker.signal_all(signal.SIGSTOP)
        time.sleep(0.2)
        if count(site, "running") == 1:
            break
        worker.signal_all(signal.SIGCONT)  # it was done already
    worker.signal_all(signal.SIGKILL)
    worker.process.wait()


def test_what_killed_workers_had_in_hand_claimed_or_not_is_read_within_two_minutes(site: Site, tmp_path: Path) -> None:
    take_a_message_and_die(site)
    with site.worker() as doomed:
        kill_while_it_reads(site, doomed)
    killed = time.monotonic()

    with site.worker("--beat", "--schedule", str(tmp_path / "beat")):
        site.wait_for("all are read", lambda: count(site, "done") == PHOTOGRAPHS)

    assert time.monotonic() - killed < DRAINED_WITHIN
    assert attempts(site) == [1] * (PHOTOGRAPHS - 1) + [2]


def admit(site: Site, server: str, *, connections: bool) -> None:
    """Let the database take connections, or break those that there are and take none."""
    name = Identifier(urlsplit(site.environment["DATABASE_URL"]).path[1:])
    with connect(server, autocommit=True) as maintenance:
        maintenance.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, SQL(str(connections))))
        if not connections:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            maintenance.execute(query, [name.as_string().strip('"')])


def test_a_database_that_is_away_for_a_while_empties_no_queue(site: Site, postgres_server: str) -> None:
    with site.worker() as worker:  # no clock: nobody hands over again what the worker gave up
        site.wait_for("some are read", lambda: count(site, "done") >= 2, pause=0.01)
        admit(site, postgres_server, connections=False)
        time.sleep(SECONDS_AWAY)
        admit(site, postgres_server, connections=True)
        back = time.monotonic()

        # What was being read at that moment may be left to its lease, and is read when that has ended.
        site.wait_for("the others are read", lambda: count(site, "done") >= PHOTOGRAPHS - 1)
        assert time.monotonic() - back < DRAINED_WITHIN / 2
        site.wait_for("all are read", lambda: count(site, "done") == PHOTOGRAPHS)

    assert worker.process.returncode == 0
    assert sum(attempts(site)) <= PHOTOGRAPHS + 1
