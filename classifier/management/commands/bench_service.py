"""`manage.py bench_service`: what an upload costs, how many the whole service takes, and in how much memory."""

import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import urllib3
from django.conf import settings
from django.core.management.base import CommandParser
from PIL import Image
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.errors import UserError

SAMPLES = Path(__file__).parents[2] / "samples" / "photographs"
ADDRESS = "/api/v1/predictions/"
CREATED = 201
LARGE = {"12 megapixels": (4032, 3024), "50 megapixels": (8160, 6120)}
MEGABYTE = 1_000_000
FEWEST = 2
MAKE_MEMBER = """
from skinsite.accounts.models import Clinic, Membership, Role, User
user = User.objects.create_user("bench@clinic.example")
Membership.objects.create(user=user, clinic=Clinic.objects.create(name="Bench", slug="bench"), role=Role.CLINICIAN)
"""


@dataclass(frozen=True)
class Service:
    """A running site: where it answers, and who computes."""

    address: str
    token: str
    process: "subprocess.Popen[bytes]"
    client: urllib3.PoolManager

    def upload(self, data: bytes) -> float:
        """Upload a photograph; the seconds until its finished reading came back."""
        began = time.perf_counter()
        answer = self.client.request(
            "POST",
            self.address + ADDRESS,
            fields={"image": ("lesion.jpg", data, "image/jpeg")},
            headers={"Authorization": f"Token {self.token}", "X-Forwarded-Proto": "https"},
        )
        if answer.status != CREATED or answer.json()["status"] != "done":
            raise UserError(f"An upload was answered {answer.status}: {answer.data.decode()[:300]}")
        return time.perf_counter() - began

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return _children(self.process.pid)

    def memory(self, field: str) -> float:
        """``VmRSS`` (resident now) or ``VmHWM`` (its peak) of the first worker, in MB."""
        return _read_memory(self.workers()[0], field)

    def decoder_peak(self, data: bytes) -> tuple[float, float]:
        """Upload a photograph; its seconds, and the peak in MB of the process that decodes it apart (0: none did)."""
        peak = 0.0
        with ThreadPoolExecutor(1) as pool:
            uploaded = pool.submit(self.upload, data)
            while not uploaded.done():
                for child in _children(self.workers()[0]):
                    with suppress(OSError, StopIteration):  # it has ended meanwhile
                        peak = max(peak, _read_memory(child, "VmHWM"))
                time.sleep(0.002)
        return uploaded.result(), peak

    def forget_peak(self) -> None:
        """Let the peak begin anew from what is resident now."""
        Path(f"/proc/{self.workers()[0]}/clear_refs").write_text("5", encoding="ascii")


class Command(UserErrorCommand):
    """Measures; writes nothing but its tables, and them as JSON where it is asked to."""

    help = (
        "Start the site with production settings under gunicorn on a database and a storage of its own, upload "
        "photographs through the API, and print what one upload costs, uploads a second, p95, and memory."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how much is measured."""
        parser.add_argument("--uploads", type=int, default=200, help="uploads in each part (200)")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes in the second part")
        parser.add_argument(
            "--json", type=Path, help="write what one upload costs, with revision and date, to this file"
        )
        parser.add_argument("--anatomy-only", action="store_true", help="measure what one upload costs, and no more")

    def handle(
        self, *_args: Any, uploads: int, workers: int, json: Path | None, anatomy_only: bool, **_options: Any
    ) -> None:
        """Measure one upload in parts, then one worker with one client, and several with twice as many."""
        if not sys.platform.startswith("linux"):
            raise UserError("The memory of a process is read from /proc: run this on Linux.")
        if uploads < FEWEST:
            raise UserError(f"--uploads is {uploads}; give {FEWEST} or more, so that there is a median.")
        self._take_apart(uploads, json)
        if anatomy_only:
            return
        photographs = [path.read_bytes() for path in sorted(SAMPLES.glob("*.jpg"))]
        self.stdout.write(f"{os.cpu_count()} cores; photographs of 600×450; 1 thread a process; SQLite; local files")
        with tempfile.TemporaryDirectory() as scratch, _serve(Path(scratch), workers=1) as service:
            self._upload("1 process, 1 client", service, photographs, uploads, clients=1)
            self.stdout.write(f"resident after {uploads} readings: {service.memory('VmRSS'):.0f} MB")
            for name, size in LARGE.items():
                service.forget_peak()
                seconds, apart = service.decoder_peak(_large_photograph(photographs[0], size))
                beside = f", and {apart:.0f} MB in the process that decodes" if apart else ""
                self.stdout.write(f"peak at {name}: {service.memory('VmHWM'):.0f} MB{beside} ({seconds:.2f} s)")
            self.stdout.write(f"resident after these: {service.memory('VmRSS'):.0f} MB")
        if workers > 1:
            with tempfile.TemporaryDirectory() as scratch, _serve(Path(scratch), workers=workers) as service:
                clients = 2 * workers
                self._upload(f"{workers} processes, {clients} clients", service, photographs, uploads, clients=clients)

    def _take_apart(self, uploads: int, path: Path | None) -> None:
        """Print what an upload costs and where its time goes, in one process; write it to ``path``, if given."""
        with tempfile.TemporaryDirectory() as folder:
            environment = _environment(Path(folder))
            token, sample = _prepare(environment), str(min(SAMPLES.glob("*.jpg")))
            code = f"from classifier.management.anatomy import print_json; print_json({token!r}, {sample!r}, {uploads})"
            found = json.loads(_manage(environment, "shell", "-c", code).splitlines()[-1])
        self.stdout.write(f"one upload (API, synchronous, SQLite; medians of {uploads}; phases in ms of CPU)\n")
        self.stdout.write(f"| | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
        for name in next(iter(found.values())):
            self.stdout.write(f"| {name} | {' | '.join(f'{each[name]:g}' for each in found.values())} |")
        if path is not None:
            told = {"revision": _revision(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
            path.write_text(
                json.dumps(told | {"uploads": uploads, "one_upload": found}, indent=2) + "\n", encoding="utf-8"
            )

    def _upload(self, name: str, service: Service, photographs: list[bytes], uploads: int, *, clients: int) -> None:
        """Upload different bytes each time: a counter after the picture's end makes them so."""
        payloads = [photographs[n % len(photographs)] + n.to_bytes(4, "big") for n in range(uploads + 10 * clients)]
        warm_up, measured = payloads[uploads:], payloads[:uploads]
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(service.upload, warm_up))
            began = time.perf_counter()
            taken = list(tqdm(pool.map(service.upload, measured), total=uploads, unit="upload", desc=name))
            elapsed = time.perf_counter() - began
        p95 = statistics.quantiles(taken, n=20)[-1]
        self.stdout.write(
            f"{name}: {uploads / elapsed:.1f} uploads a second, "
            f"median {statistics.median(taken) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
        )


def _children(process: int) -> list[int]:
    """The processes that a process, in whichever of its threads, has begun and that run."""
    told = [path.read_text(encoding="ascii") for path in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(number) for numbers in told for number in numbers.split()]


def _read_memory(process: int, field: str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(kilobytes) * 1024 / MEGABYTE


@contextmanager
def _serve(folder: Path, *, workers: int) -> Iterator[Service]:
    """Run a fresh site until the block ends."""
    environment = _environment(folder)
    token = _prepare(environment)
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "skinsite.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(  # noqa: S603 our own command
        [*command, "--workers", str(workers), "--timeout", "60", "--log-level", "warning"],
        cwd=settings.BASE_DIR,
        env=environment,
    )
    service = Service(f"http://127.0.0.1:{port}", token, process, urllib3.PoolManager(maxsize=32))
    try:
        _wait_until_alive(service)
        yield service
    finally:
        process.terminate()
        process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Production settings on a database and a storage in a folder."""
    (folder / "static").mkdir()  # no page is asked for
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "skinsite.settings.production",
        "SKINSITE_VAR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "DATABASE_URL": f"sqlite:///{folder / 'skinsite.sqlite3'}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "127.0.0.1",
        "PREDICTION_MODE": "synchronous",
        "UPLOADS_RATE": "none",
        "CLINIC_UPLOADS_RATE": "none",
        "LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
    }


def _prepare(environment: dict[str, str]) -> str:
    """Migrate, register the shipped network, make a clinic; the key of its clinician."""
    _manage(environment, "migrate", "--verbosity", "0")
    _manage(environment, "register_model", str(DEFAULT_BUNDLE), "--activate")
    _manage(environment, "shell", "-c", MAKE_MEMBER)
    return _manage(environment, "create_api_token", "bench@clinic.example", "--scope", "write").splitlines()[-1]


def _manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"manage.py {arguments[0]} failed: {done.stderr[-500:]}")
    return done.stdout


def _revision() -> str:
    """The revision that is measured, marked where files differ from it; empty outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S603 our own
    return done.stdout.strip()


def _wait_until_alive(service: Service) -> None:
    for _try in range(300):
        try:
            service.client.request("GET", service.address + "/health/live/", retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise UserError("The site did not start within half a minute; see the messages above.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _large_photograph(data: bytes, size: tuple[int, int]) -> bytes:
    """A sample photograph enlarged, as JPEG."""
    out = BytesIO()
    with Image.open(BytesIO(data)) as picture:
        picture.resize(size).save(out, "JPEG", quality=90)
    return out.getvalue()
