"""What one upload costs: statements, decodes, hashes, storage, and where its time goes.

Runs in the process of a site whose settings are its own (``manage.py bench_service`` begins one), on the API, and
wraps what libraries offer, so that nothing in the product knows of it.
"""

import hashlib
import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageFile

from ml.errors import UserError
from ml.serve import image_io
from ml.serve.predictor import Predictor

ADDRESS = "/api/v1/predictions/"
HOST = {"host": "127.0.0.1"}
SIZES = {"600×450": (600, 450), "12 megapixels": (4032, 3024)}
NOISE = 3.0  # standard deviation: a camera's, so that a photograph of 12 megapixels has some 5 MB
LARGE_HASH = 10_000  # bytes; below it are tokens and settings
PHASES = ("decode", "encode", "thumbnail", "predictor", "rest")
COUNTS = ("statements", "write transactions", "decodes", "encodes", "hashes", "storage writes", "storage reads")


@dataclass
class Meter:
    """Counts of what was done, and seconds of this thread's CPU by phase (others on the machine disturb them less).

    What runs inside of another phase is counted as that one's.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    inside: str = ""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of a block to a phase."""
        if self.inside:
            yield
            return
        self.inside, began = name, time.thread_time()
        try:
            yield
        finally:
            self.inside = ""
            self.seconds[name] += time.thread_time() - began

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Give a function whose time is that of a phase."""

        def measured(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return function(*args, **kwargs)

        return measured


def measure(token: str, sample: bytes, *, uploads: int) -> dict[str, dict[str, float]]:
    """Upload photographs of each size; the counts of one, and medians of milliseconds in all and by phase."""
    client = Client(headers={"authorization": f"Token {token}"})
    found = {}
    for name, size in SIZES.items():
        data = make_photograph(sample, size)
        for n in range(3):  # the first opens the network
            _upload(client, data, n)
        meter = Meter()
        with CaptureQueriesContext(connection) as captured, watched(meter):
            _upload(client, data, 3)
        statements = [query["sql"] for query in captured.captured_queries]
        meter.counts |= {"statements": len(statements), "write transactions": count_write_transactions(statements)}
        runs = [_time(client, data, 4 + n) for n in range(uploads)]
        found[name] = {each: float(meter.counts[each]) for each in COUNTS} | {
            f"{part}, ms": round(statistics.median(run[part] for run in runs), 1) for part in ("clock", "CPU", *PHASES)
        }
        found[name] |= _time_heat_map(client)
    return found


def print_json(token: str, sample: str, uploads: int) -> None:
    """Print what was measured as one line."""
    print(json.dumps(measure(token, Path(sample).read_bytes(), uploads=uploads)))


def count_write_transactions(statements: Sequence[str]) -> int:
    """How often the one writer's place was taken: by transactions, and by writes outside of any."""
    taken, is_open = 0, False
    for statement in statements:
        word = statement.split(maxsplit=1)[0].upper()
        if word == "BEGIN":
            taken, is_open = taken + 1, True
        elif word in ("COMMIT", "ROLLBACK") and "TO SAVEPOINT" not in statement:
            is_open = False
        elif word in ("INSERT", "UPDATE", "DELETE") and not is_open:
            taken += 1
    return taken


@contextmanager
def watched(meter: Meter) -> Iterator[None]:
    """Count and time decoding, encoding, hashing and storing until the block ends."""
    load, save, sha256 = ImageFile.ImageFile.load, ImageFile._save, hashlib.sha256  # noqa: SLF001 where all encoders end
    kept = type(default_storage._wrapped)  # type: ignore[attr-defined] # noqa: SLF001 Django's lazy object

    def decode(image: ImageFile.ImageFile) -> Any:
        if not getattr(image, "tile", None):
            return load(image)
        meter.counts["decodes"] += 1
        with meter.phase("decode"):
            return load(image)

    def encode(*args: Any, **kwargs: Any) -> Any:
        meter.counts["encodes"] += 1
        with meter.phase("encode"):
            return save(*args, **kwargs)

    def hashed(data: bytes = b"", **kwargs: Any) -> Any:
        meter.counts["hashes"] += len(data) >= LARGE_HASH
        return sha256(data, **kwargs)

    def counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            meter.counts[name] += 1
            return function(*args, **kwargs)

        return called

    with ExitStack() as stack:
        for target, name, wrapped in (
            (ImageFile.ImageFile, "load", decode),
            (ImageFile, "_save", encode),
            (hashlib, "sha256", hashed),
            (kept, "save", counted(kept.save, "storage writes")),
            (kept, "open", counted(kept.open, "storage reads")),
            (image_io, "_shrink", meter.timed(image_io._shrink, "thumbnail")),  # noqa: SLF001 nobody else makes one
            (Predictor, "read", meter.timed(Predictor.read, "predictor")),
        ):
            stack.enter_context(mock.patch.object(target, name, wrapped))
        yield


def make_photograph(sample: bytes, size: tuple[int, int]) -> bytes:
    """A sample photograph at another size, with a sensor's noise, as JPEG."""
    out = BytesIO()
    with Image.open(BytesIO(sample)) as picture:
        pixels = np.asarray(picture.resize(size), np.float32)
    noise = np.random.default_rng(0).normal(0, NOISE, (size[1], size[0], 1))
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _time(client: Client, data: bytes, number: int) -> dict[str, float]:
    """Milliseconds of one upload, by the clock and of CPU, and by phase."""
    meter, began = Meter(), time.thread_time()
    with watched(meter):
        clock = _upload(client, data, number)
    processor = time.thread_time() - began
    spent = {phase: meter.seconds[phase] for phase in PHASES[:-1]}
    spent |= {"rest": processor - sum(spent.values()), "CPU": processor, "clock": clock}
    return {name: 1000 * seconds for name, seconds in spent.items()}


def _time_heat_map(client: Client) -> dict[str, float]:
    """Milliseconds by the clock of the last reading's heat-map: asked for the first time, and the second."""
    address = client.get(ADDRESS, secure=True, headers=HOST).json()["results"][0]["links"]["heat_map"]
    spent = []
    for _turn in range(2):
        began = time.perf_counter()
        answer = client.get(address, secure=True, headers=HOST)
        if answer.status_code != HTTPStatus.OK or not b"".join(answer):
            raise UserError(f"The heat-map was answered {answer.status_code}.")
        spent.append(round(1000 * (time.perf_counter() - began), 1))
    return {"heat-map, ms": spent[0], "heat-map again, ms": spent[1]}


def _upload(client: Client, data: bytes, number: int) -> float:
    """Upload a photograph with other bytes each time; the seconds until it was answered."""
    image = SimpleUploadedFile("lesion.jpg", data + number.to_bytes(4, "big"), "image/jpeg")
    began = time.perf_counter()
    answer = client.post(ADDRESS, {"image": image}, secure=True, headers=HOST)
    spent = time.perf_counter() - began
    if answer.status_code != HTTPStatus.CREATED or answer.json()["status"] != "done":
        raise UserError(f"An upload was answered {answer.status_code}: {answer.content.decode()[:300]}")
    return spent
