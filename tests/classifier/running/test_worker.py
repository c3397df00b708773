"""A real worker on a real broker: queued, read, killed in the middle, and read after all."""

import io
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site

# Short, so that a dead worker's reading is taken over within the test; still longer than an honest one takes.
LIMITS = {"TASK_SOFT_SECONDS": "12", "TASK_HARD_SECONDS": "14", "TASK_VISIBILITY_SECONDS": "24"}
UNUSED_DATABASES = iter(range(1, 16))


@pytest.fixture
def broker_url(valkey_url: str) -> str:
    """A database of the broker that no other test uses."""
    return f"{valkey_url.rpartition('/')[0]}/{next(UNUSED_DATABASES)}"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site with a clinic and an active network, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    Site.create(folder, f"sqlite:///{folder / 'site.sqlite3'}")
    return folder


@pytest.fixture
def celery_site(prepared: Path, tmp_path: Path, broker_url: str) -> Site:
    """A site on a file of SQLite whose readings a worker makes."""
    folder = tmp_path / "site"
    shutil.copytree(prepared, folder)
    environment = {
        "SKINSITE_VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "PREDICTION_MODE": "celery",
        "BROKER_URL": broker_url,
        **LIMITS,
    }
    return Site(environment, folder)


def large_photograph() -> bytes:
    """24 megapixels without loss: long enough in the decoder to be caught there."""
    rows, columns = np.ogrid[:4000, :6000]
    pixels = np.stack([(rows // 16 + columns // 24) % 256, rows // 16 + 0 * columns, 0 * rows + columns // 24], axis=-1)
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def read_row(site: Site, reading: int) -> tuple[str, int]:
    """Status and attempts, straight from the database."""
    with closing(sqlite3.connect(site.folder / "site.sqlite3", timeout=20)) as database:
        query = "SELECT status, attempts FROM classifier_prediction WHERE id = ?"
        status, attempts = database.execute(query, [reading]).fetchone()
    return status, attempts


def upload_and_catch(site: Site, photograph: Path, strike: Callable[[], None]) -> int:
    """Upload a photograph to an empty site and strike as soon as a worker is reading it; the reading's key."""
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(site.work, "upload", photograph)
        site.wait_for("a worker is reading", lambda: count_readings(site, "running") == 1, pause=0.002)
        strike()
        return int(answer.result()[0])


def count_readings(site: Site, status: str = "%") -> int:
    """How many readings there are, of one status if given."""
    with closing(sqlite3.connect(site.folder / "site.sqlite3", timeout=20)) as database:
        query = "SELECT COUNT(*) FROM classifier_prediction WHERE status LIKE ?"
        (count,) = database.execute(query, [status]).fetchone()
    return int(count)


def test_an_upload_is_queued_and_a_worker_reads_it(celery_site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion())

    reading, status, waiting_for = celery_site.work("upload", photograph)
    assert (status, waiting_for) == ("queued", "")
    with celery_site.worker():
        celery_site.wait_for("the reading is done", lambda: read_row(celery_site, reading) == ("done", 1))

    assert celery_site.work("upload", photograph) == [reading, "done", ""]


def test_a_worker_killed_in_mid_inference_leaves_one_reading_of_two_attempts(celery_site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "large.png"
    photograph.write_bytes(large_photograph())
    with celery_site.worker() as doomed:
        celery_site.wait_for("the first worker is ready", doomed.is_ready)
        reading = upload_and_catch(celery_site, photograph, lambda: doomed.signal_all(signal.SIGSTOP))
        assert read_row(celery_site, reading) == ("running", 1)  # stopped in the middle: nothing is written yet
        doomed.signal_all(signal.SIGKILL)
        doomed.process.wait()
    assert read_row(celery_site, reading) == ("running", 1)

    with celery_site.worker("--beat", "--schedule", str(tmp_path / "beat")):
        celery_site.wait_for("another worker has read it", lambda: read_row(celery_site, reading)[0] == "done")
        time.sleep(3)  # for whatever might come a second time

    assert read_row(celery_site, reading) == ("done", 2)
    assert count_readings(celery_site) == 1


def test_a_child_killed_in_mid_inference_is_replaced(celery_site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "large.png"
    photograph.write_bytes(large_photograph())
    with celery_site.worker() as worker:
        celery_site.wait_for("the worker is ready", worker.is_ready)
        (child,) = worker.children()
        # As the kernel does when memory is short.
        reading = upload_and_catch(celery_site, photograph, lambda: os.kill(child, signal.SIGKILL))
        celery_site.wait_for("another child has read it", lambda: read_row(celery_site, reading)[0] == "done")

    assert read_row(celery_site, reading) == ("done", 2)
    assert count_readings(celery_site) == 1


def test_a_reading_whose_worker_hangs_is_taken_over(celery_site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "large.png"
    photograph.write_bytes(large_photograph())
    with celery_site.worker() as worker:
        celery_site.wait_for("the worker is ready", worker.is_ready)
        (child,) = worker.children()
        reading = upload_and_catch(celery_site, photograph, lambda: os.kill(child, signal.SIGSTOP))  # it hangs

        def is_done_after_another_round() -> bool:
            celery_site.manage("process_queue")  # what beat does every minute
            return read_row(celery_site, reading)[0] == "done"

        celery_site.wait_for("another child has read it", is_done_after_another_round, pause=2)

    assert read_row(celery_site, reading) == ("done", 2)


def test_an_upload_survives_a_broker_that_is_down(celery_site: Site, tmp_path: Path) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    site = Site({**celery_site.environment, "BROKER_URL": nobody}, celery_site.folder)
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion())

    reading, status, waiting_for = site.work("upload", photograph)
    assert (status, waiting_for) == ("queued", "broker")
    assert "0 done, 0 failed, 1 waiting" in site.manage("process_queue", exit_code=1)

    assert "1 waiting" in celery_site.manage("process_queue")
    with celery_site.worker():
        celery_site.wait_for("the reading is done", lambda: read_row(celery_site, reading) == ("done", 1))


def free_port() -> int:
    """A port on which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
