"""How long a reading takes and where the time goes.

(a) The predictor, stored bytes in and reading out, against its two unavoidable parts: Pillow's bare decode and the bare
run of the network on the same views. At 600×450 also against one bare pass of the network, alone, at 224 px (needs the
package onnx; else left out). All take turns, so that a busy machine slows them alike.
(b) The network in each way of running it (needs requirements/ml; else left out).
(d) Peak memory of accepting and reading a large photograph, each in a process of its own.
(h) An examination of three photographs, read and pooled, against one photograph.
"""

import argparse
import importlib.util
import io
import multiprocessing
import os
import platform
import resource
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle
from ml.errors import UserError
from ml.evaluation.pooling import to_photograph
from ml.evaluation.timing import COMMON_SIZE, draw_photograph, store, take_turns
from ml.serve import preprocess
from ml.serve.image_io import Limits, decode_stored, normalise_upload
from ml.serve.interpretation import Outcome
from ml.serve.pool import Photograph, pool_readings
from ml.serve.predictor import DECODED_SIDE_PER_INPUT, Predictor
from ml.serve.runtime import UInt8Batch, open_runtime
from ml.taxonomy import DECISIONS

SIZES = {"600×450": COMMON_SIZE, "12 megapixels": (4032, 3024)}
LARGE = {"12 megapixels": (4032, 3024), "50 megapixels": (8160, 6120)}
AIM = 1.4
BARE_SIDE, BARE_AIM = 224, 6
PHOTOGRAPHS, EXAMINATION_AIM = 3, 3.1
PROCESS_STATUS = Path("/proc/self/status")


def main(options: argparse.Namespace) -> int:
    """Measure each part in turn, and print the results."""
    picture = draw_photograph() if options.image is None else _open(options.image)
    bundle = load_bundle(DEFAULT_BUNDLE)
    _say(f"{platform.machine()}, {os.cpu_count()} cores; threads: {options.threads}; medians of {options.repeats}")
    measure_memory(picture)
    measure_predictor(bundle, picture, options.repeats, options.threads)
    measure_against_bare_pass(bundle, picture, options.repeats)
    measure_network(bundle, picture, options.repeats, options.threads)
    measure_examination(bundle, picture, options.repeats, options.threads)
    return 0


def measure_predictor(bundle: Bundle, picture: Image.Image, repeats: int, threads: int) -> None:
    """Part (a)."""
    predictor, runtime = Predictor(bundle, "onnx", threads), open_runtime(bundle, "onnx", threads)
    side = DECODED_SIDE_PER_INPUT * bundle.manifest.input.size
    for name, size in SIZES.items():
        stored = store(picture, size)
        views = preprocess.views(decode_stored(stored, at_least=side), bundle.manifest.input)

        def decode(stored: bytes = stored) -> None:
            image = Image.open(io.BytesIO(stored))
            image.draft("RGB", (side, side))
            image.load()

        def run(views: UInt8Batch = views) -> None:
            runtime.run(views)

        def read(stored: bytes = stored) -> None:
            predictor.read(stored)

        decoding, running, reading = take_turns((decode, run, read), repeats)
        ratio = reading / (decoding + running)
        _say(
            f"(a) {name}, {len(stored) / 1000:.0f} KB: Pillow's decode {decoding:.1f} ms, session.run of "
            f"{len(views)} views of {views.shape[1]} px {running:.1f} ms, predictor {reading:.1f} ms: "
            f"{ratio:.2f} × the two (aim: at most {AIM})"
        )


def measure_against_bare_pass(bundle: Bundle, picture: Image.Image, repeats: int) -> None:
    """Part (a) too: one reading of a photograph of 600×450 relative to one pass of the network, both on one thread."""
    if importlib.util.find_spec("onnx") is None:
        _say("(a) against a bare pass left out: needs requirements/ml.txt")
        return
    from ml.evaluation.onnx_graph import open_bare_network

    predictor, run = Predictor(bundle, "onnx", threads=1), open_bare_network(bundle, BARE_SIDE)
    stored = store(picture, COMMON_SIZE)
    spent: list[dict[str, float]] = []

    def read() -> None:
        spent.append(predictor.read(stored).milliseconds)

    bare, reading = take_turns((run, read), repeats)
    parts = {name: statistics.median(each[name] for each in spent) for name in ("decode", "network")}
    _say(
        f"(a) 600×450, one reading {reading:.1f} ms (decode {parts['decode']:.1f}, network {parts['network']:.1f}), "
        f"one bare fp32 pass of the network at {BARE_SIDE} px {bare:.1f} ms: {reading / bare:.2f} × "
        f"(aim: at most {BARE_AIM})"
    )


def measure_network(bundle: Bundle, picture: Image.Image, repeats: int, threads: int) -> None:
    """Part (b)."""
    if importlib.util.find_spec("torch") is None:
        _say("(b) left out: needs requirements/ml.txt")
        return
    from ml.bench.network import list_ways

    views = preprocess.views(np.asarray(picture), bundle.manifest.input)
    ways = list_ways(bundle, views, threads)
    taken = take_turns(tuple(ways.values()), repeats)
    for name, milliseconds in zip(ways, taken, strict=True):
        _say(f"(b) {name}, {len(views)} views of {views.shape[1]} px: {milliseconds:.1f} ms")


def measure_examination(bundle: Bundle, picture: Image.Image, repeats: int, threads: int) -> None:
    """Part (h)."""
    predictor = Predictor(bundle, "onnx", threads)
    turned = [store(picture.rotate(90 * number, expand=True), COMMON_SIZE) for number in range(PHOTOGRAPHS)]

    def read(number: int) -> Photograph:
        # The drawn photograph is refused, and what is refused is not pooled.
        made = to_photograph(str(number), predictor.read(turned[number]))
        return replace(made, outcome=Outcome.LOW_RISK, reason=DECISIONS[0])

    photographs = [read(number) for number in range(PHOTOGRAPHS)]

    def read_one() -> None:
        read(0)

    def read_all() -> None:
        pool_readings([read(number) for number in range(PHOTOGRAPHS)], bundle.manifest)

    def pool() -> None:
        pool_readings(photographs, bundle.manifest)

    one, every, pooling = take_turns((read_one, read_all, pool), repeats)
    _say(
        f"(h) 600×450, {PHOTOGRAPHS} photographs of a lesion read and pooled {every:.1f} ms (pooling {pooling:.2f}), "
        f"one photograph {one:.1f} ms: {every / one:.2f} × (aim: at most {EXAMINATION_AIM})"
    )


def measure_memory(picture: Image.Image) -> None:
    """Part (d)."""
    context = multiprocessing.get_context("spawn")
    for name, size in LARGE.items():
        out = io.BytesIO()
        picture.resize(size, Image.Resampling.BILINEAR).save(out, "JPEG", quality=90)
        with context.Pool(1) as pool:
            before, accepted, read = pool.apply(_measure_peaks, (out.getvalue(),))
        _say(
            f"(d) {name}: resident {before:.0f} MB with the bundle open; peak {accepted:.0f} MB while an upload is "
            f"accepted, {read:.0f} MB by the end of its reading"
        )


def _measure_peaks(upload: bytes) -> tuple[float, float, float]:
    """Peak resident megabytes: before, after normalising, after reading."""
    predictor = Predictor(load_bundle(DEFAULT_BUNDLE), "onnx")
    before = _peak()
    stored = normalise_upload(upload, limits=Limits(max_bytes=len(upload))).data
    accepted = _peak()
    predictor.read(stored)
    return before, accepted, _peak()


def _peak() -> float:
    """Peak megabytes; from /proc on Linux, where ``ru_maxrss`` includes the parent's."""
    if PROCESS_STATUS.exists():
        line = next(line for line in PROCESS_STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _open(path: Path) -> Image.Image:
    try:
        return Image.fromarray(decode_stored(normalise_upload(path.read_bytes()).data))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a photograph.") from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
