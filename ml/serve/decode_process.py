"""Decoding of expensive or risky uploads in a separate process with limits on time and memory.

Decoders are C code: they cannot be stopped from another thread, and signals only reach the main thread. So a large
upload, or one of a format whose decoder may do more work than its header declares, is decoded by a fresh Python
process that limits itself. It starts in 0.2 s, from any thread, on Linux and macOS, and imports nothing of the site.
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
from datetime import datetime
from pathlib import Path

from ml.serve.image_io import LIMITS, ImageRejected, Limits, StoredImage, estimate_memory, normalise_upload
from ml.serve.image_limits import MEGABYTE

APART_FORMATS = ("HEIF", "TIFF")
"""Formats of which a small file may demand far more work than its header declares."""

APART_FROM_BYTES = 128_000_000
AT_ONCE = 2
"""Uploads that a process decodes at the same time, besides one in a separate process."""

PATIENCE_SECONDS = 30
CPU_SECONDS = 20
WALL_SECONDS = 45
MEMORY_ROOM = 200_000_000
"""Bytes for Python, its libraries, the upload and the result, added to the memory limit of decoding."""

COMMAND = [sys.executable, "-m", "ml.serve.decode_process"]
_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG")
HEADER = ("format", "width", "height", "sha256", "notes", "camera", "mirrored")
_FAILED = 3
_here, _apart = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(1)
log = logging.getLogger(__name__)


class DecoderBusyError(Exception):
    """All decoding slots stayed occupied for ``PATIENCE_SECONDS``; the upload may be sent again later."""


def normalise_guarded(
    data: bytes, *, limits: Limits = LIMITS, wall_seconds: float = WALL_SECONDS, thumbnail_side: int | None = None
) -> StoredImage:
    """Decode as ``normalise_upload`` does, in a separate process if it may be expensive; concurrency is limited.

    Raises ``ImageRejected``, with the code too_slow after a time-out, and ``DecoderBusyError``.
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
        header = json.loads(head)
        end = header.pop("bytes")
        taken_at = header.pop("taken_at")
        return StoredImage(
            **header | {"notes": tuple(header["notes"])},
            data=pictures[:end],
            thumbnail=pictures[end:],
            taken_at=None if taken_at is None else datetime.fromisoformat(taken_at),
        )
    if process.returncode == _FAILED:
        header = json.loads(head)
        raise ImageRejected(header["code"], **header["params"])
    raise _explain(process.returncode, complaint.decode(errors="replace"), limits)


def _explain(status: int, complaint: str, limits: Limits) -> Exception:
    """The exception for a decoding process that ended without an answer."""
    if status == -signal.SIGXCPU:
        return ImageRejected("too_slow", limit=CPU_SECONDS)
    if status == -signal.SIGKILL:  # by the kernel, out of memory
        return ImageRejected("too_much_memory", limit=limits.max_memory // MEGABYTE)
    if status < 0:
        log.error("The decoder died of signal %d on an upload.", -status)
        return ImageRejected("truncated")
    return RuntimeError(f"The decoding process ended with {status}: {complaint[-500:]}")


def _limit_this_process(limits: Limits) -> None:
    """Limit this process's CPU time, and on Linux its memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        most = limits.max_memory + MEMORY_ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> int:
    """Read an upload from standard input; write a JSON header, the image and the thumbnail to standard output."""
    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    _limit_this_process(limits)
    try:
        stored = normalise_upload(sys.stdin.buffer.read(), limits=limits, thumbnail_side=request["thumbnail_side"])
    except ImageRejected as error:
        sys.stdout.buffer.write(json.dumps({"code": error.code, "params": error.params}).encode())
        return _FAILED
    header = {name: getattr(stored, name) for name in HEADER}
    header["taken_at"] = None if stored.taken_at is None else stored.taken_at.isoformat()
    sys.stdout.buffer.write(json.dumps(header | {"bytes": len(stored.data)}).encode() + b"\n")
    sys.stdout.buffer.write(stored.data)
    sys.stdout.buffer.write(stored.thumbnail)
    return 0


if __name__ == "__main__":
    sys.exit(main())
