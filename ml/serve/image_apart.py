"""Decoding of what may cost much, in a process of its own: limited in time and memory, and nobody's loss if it dies.

Decoders are C: a thread cannot be stopped in the middle of one, and a signal only by the main thread. So an upload of
many pixels, or of a format whose decoder does more than its header tells, is handed to a fresh Python that sets its own
limits. It starts in a fifth of a second, from any thread, on Linux and macOS, and knows nothing of the site.
"""

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ml.serve.image_io import LIMITS, ImageRejected, Limits, StoredImage, estimate_memory, normalise_upload

APART_FORMATS = ("HEIF", "TIFF")
"""Formats of which one small file may ask its decoder for more than any header tells."""

APART_FROM_BYTES = 128_000_000
AT_ONCE = 2
"""Uploads that one process decodes at once beside the one that it has decoded apart."""

PATIENCE_SECONDS = 30
CPU_SECONDS = 20
WALL_SECONDS = 45
MEMORY_ROOM = 200_000_000
"""What Python, its libraries, the upload and the result take beside what decoding may hold."""

COMMAND = [sys.executable, "-m", "ml.serve.image_apart"]
_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG")
_FAILED = 3
_here, _apart = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(1)
log = logging.getLogger(__name__)


class DecoderBusyError(Exception):
    """Others are decoded, and it takes long; trying again later helps."""


def normalise_guarded(
    data: bytes, *, limits: Limits = LIMITS, wall_seconds: float = WALL_SECONDS, thumbnail_side: int | None = None
) -> StoredImage:
    """Do what ``normalise_upload`` does, apart where it may cost much; few at once in a process, whatever is sent.

    Raises ``ImageRejected``, with the code too_slow for what exceeds its time, and ``DecoderBusyError``.
    """
    image_format, needed = estimate_memory(data, limits=limits)
    if image_format in APART_FORMATS or needed > APART_FROM_BYTES:
        with _turn(_apart):
            return _normalise_apart(data, limits, wall_seconds, thumbnail_side)
    with _turn(_here):
        return normalise_upload(data, limits=limits, thumbnail_side=thumbnail_side)


@contextmanager
def _turn(turns: threading.Semaphore) -> Iterator[None]:
    if not turns.acquire(timeout=PATIENCE_SECONDS):
        raise DecoderBusyError
    try:
        yield
    finally:
        turns.release()


def _normalise_apart(data: bytes, limits: Limits, wall_seconds: float, thumbnail_side: int | None) -> StoredImage:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with subprocess.Popen(  # noqa: S603 ourselves
        [*COMMAND, json.dumps({"limits": asdict(limits), "thumbnail_side": thumbnail_side})],
        cwd=_ROOT,
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            answer, complaint = process.communicate(data, timeout=wall_seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise ImageRejected("too_slow", limit=round(wall_seconds)) from error
    head, _line, pictures = answer.partition(b"\n")
    if process.returncode == 0:
        told = json.loads(head)
        end = told.pop("bytes")
        return StoredImage(**told | {"notes": tuple(told["notes"])}, data=pictures[:end], thumbnail=pictures[end:])
    if process.returncode == _FAILED:
        told = json.loads(head)
        raise ImageRejected(told["code"], **told["params"])
    raise _explain(process.returncode, complaint.decode(errors="replace"), limits)


def _explain(status: int, complaint: str, limits: Limits) -> Exception:
    """What became of a process that gave no answer."""
    if status == -signal.SIGXCPU:
        return ImageRejected("too_slow", limit=CPU_SECONDS)
    if status == -signal.SIGKILL:  # by the kernel, which had no memory left
        return ImageRejected("too_much_memory", limit=limits.max_memory // 1_000_000)
    if status < 0:
        log.error("The decoder died of signal %d on an upload.", -status)
        return ImageRejected("truncated")
    return RuntimeError(f"The decoding process ended with {status}: {complaint[-500:]}")


def _limit_this_process(limits: Limits) -> None:
    """Limit processor time everywhere, and memory where the system counts it."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        most = limits.max_memory + MEMORY_ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> int:
    """Read an upload from standard input; write a line of JSON, then the stored bytes, then those of the thumbnail."""
    asked = json.loads(sys.argv[1])
    limits = Limits(**asked["limits"])
    _limit_this_process(limits)
    try:
        stored = normalise_upload(sys.stdin.buffer.read(), limits=limits, thumbnail_side=asked["thumbnail_side"])
    except ImageRejected as error:
        sys.stdout.buffer.write(json.dumps({"code": error.code, "params": error.params}).encode())
        return _FAILED
    told = {name: getattr(stored, name) for name in ("format", "width", "height", "sha256", "notes")}
    sys.stdout.buffer.write(json.dumps(told | {"bytes": len(stored.data)}).encode() + b"\n")
    sys.stdout.buffer.write(stored.data)
    sys.stdout.buffer.write(stored.thumbnail)
    return 0


if __name__ == "__main__":
    sys.exit(main())
