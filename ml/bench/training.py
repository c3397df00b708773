"""How fast the training loop is and where its time goes.

(a) Milliseconds an image of each part of a step, and of decoding, which the cache does once for all epochs: processor
time on a CPU, by the clock on a GPU.
(b) Images a second against timm's own ``train.py`` (``--timm-train``; it is in timm's repository, not in its package):
identical network, size, batch, precision, memory format, compilation and workers. The two take turns, each a process of
its own; medians of the turns. Without loader workers the ratio of processor time holds on a busy machine too.
(c) Our fastest way against timm's fastest, each found by trying its ways once.
(d) Memory of training on 10,015 images of 400×300.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import yaml
from tqdm import tqdm

from ml.bench.loop import spread_records
from ml.bench.timm_script import Way, check_script, link_images, list_command, read_speed
from ml.data.isic import read_isic
from ml.errors import UserError
from ml.training.config import TrainingConfig, TrainingStage, read_config
from ml.training.run import DEFAULT_CONFIG
from ml.training.selection import select_records

WHOLE_SET = 10_015
WHOLE_SIDE = 300
AIMS = {"cpu": 0.97, "cuda": 1.5}
AIM_MEMORY = 6e9
TENSOR_WORKERS = 0
"""Tensor augmentation needs no worker process."""


Speed = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """Settings of a measurement, and the directory of temporary files."""

    data: Path
    config: TrainingConfig
    script: Path | None
    directory: Path
    steps: int
    warm_up: int
    turns: int

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def images(self) -> int:
        """Images of one epoch with exactly the configured steps."""
        return (self.steps + self.warm_up) * self.config.batch_size

    @property
    def linked(self) -> Path:
        return self.directory / "linked"


def main(options: argparse.Namespace) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    found = run_benchmark(options)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def run_benchmark(options: argparse.Namespace) -> dict[str, object]:
    """Run the requested measurements, print them, and return them."""
    if options.timm_train is not None:
        check_script(options.timm_train)
    if min(options.steps, options.warm_up, options.turns) < 1:
        raise UserError("--steps, --warm-up and --turns: must be at least 1")
    config = read_config(options.config or DEFAULT_CONFIG)
    config = replace(
        config,
        stages=(TrainingStage(options.size, 1),),
        batch_size=options.batch_size or config.batch_size,
        cache_side=max(config.cache_side, options.size),
    )
    way = Way(options.precision, options.workers, options.compile)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        script = None if options.timm_train is None else options.timm_train.resolve()
        bench = Bench(options.data, config, script, directory, options.steps, options.warm_up, options.turns)
        _say(_describe_machine(bench))
        found: dict[str, object] = {"machine": _describe_machine(bench)}
        if "parts" in options.only:
            found["parts"] = time_parts(bench, way)
        if script is None:
            _say("(b) and (c) left out: give timm's script with --timm-train")
        else:
            found |= measure_against_timm(bench, way, options.only)
        if "memory" in options.only:
            found["memory"] = measure_loop_memory(bench, way)
    return found


def measure_against_timm(bench: Bench, way: Way, sections: Sequence[str]) -> dict[str, object]:
    """Parts (b) and (c), as requested."""
    records = select_records(read_isic(bench.data).records, bench.config)
    link_images(spread_records(records, bench.images), bench.linked)
    found: dict[str, object] = {}
    if "alike" in sections:
        found["alike"] = compare_speeds(bench, way, way, "(b) alike")
    if "best" in sections:
        best = {who: find_fastest(bench, who) for who in ("ours", "timm")}
        found["best"] = compare_speeds(bench, best["ours"], best["timm"], "(c) each at its best")
    return found


def time_parts(bench: Bench, way: Way) -> Speed:
    """Part (a)."""
    parts = run_ours(bench, way, mode="parts")
    decoding = parts.pop("decoding")
    total = sum(parts.values())
    clock = "by the clock" if bench.device == "cuda" else "of processor time"
    _say(f"(a) {way}, milliseconds an image {clock}:")
    _say(f"    decoding into the cache, once for all epochs: {decoding:.2f}")
    for name, milliseconds in parts.items():
        _say(f"    {name}: {milliseconds:.2f} ({milliseconds / total:.0%})")
    _say(f"    a whole step: {total:.2f}")
    return {"decoding": decoding, **parts}


def compare_speeds(bench: Bench, ours: Way, timm: Way, name: str) -> dict[str, object]:
    """Alternating turns of both, with medians of images per second and of their ratio."""
    turns: dict[str, list[Speed]] = {"ours": [], "timm": []}
    commands = {"ours": list_ours(bench, ours, "steps"), "timm": list_timm(bench, timm)}
    for who, words in commands.items():
        _say(f"{name}, {who}: {shlex.join(words)}")
    for turn in tqdm(range(bench.turns), desc=name, unit="turn"):
        for who in ("ours", "timm") if turn % 2 == 0 else ("timm", "ours"):  # alternates which one goes first
            turns[who].append(run_ours(bench, ours) if who == "ours" else run_timm(bench, timm))
    speeds = {who: statistics.median(1000 / turn["step"] for turn in its) for who, its in turns.items()}
    ratio = _median_ratio(turns, lambda turn: turn["step"])
    without = _median_ratio(turns, lambda turn: turn["step"] - turn["input"])
    processor = _median_ratio(turns, lambda turn: turn["processor"])
    aim = AIMS[bench.device]
    _say(
        f"{name}: ours {speeds['ours']:.1f} images a second ({ours}), timm {speeds['timm']:.1f} ({timm});"
        f" ours / timm {ratio:.3f} (aim: at least {aim}); without input {without:.3f};"
        f" by processor time {processor:.3f}"
    )
    return {
        "ways": {"ours": str(ours), "timm": str(timm)},
        "images_a_second": speeds,
        "ratio": ratio,
        "ratio_without_input": without,
        "ratio_of_processor_time": processor,
        "aim": aim,
        "turns": turns,
    }


def find_fastest(bench: Bench, who: str) -> Way:
    """The configuration with the shortest step, with one turn each."""
    cores = os.cpu_count() or 1
    compiled = (False, True) if bench.device == "cuda" else (False,)  # on a CPU compilation takes minutes
    ways = [Way(kind, workers, done) for kind in ("fp32", "bf16") for workers in (0, cores) for done in compiled]
    measure = run_ours if who == "ours" else run_timm
    taken = {way: measure(bench, way)["step"] for way in tqdm(ways, desc=f"(c) ways of {who}", unit="way")}
    for way, milliseconds in taken.items():
        _say(f"(c) {who}, {way}: {1000 / milliseconds:.1f} images a second")
    return min(taken, key=lambda way: taken[way])


def measure_loop_memory(bench: Bench, way: Way) -> Speed:
    """Part (d)."""
    whole = replace(bench, config=replace(bench.config, cache_side=WHOLE_SIDE))
    found = run_ours(whole, way, mode="memory", images=WHOLE_SET)
    _say(
        f"(d) {WHOLE_SET:,} images of {WHOLE_SIDE * 4 // 3}×{WHOLE_SIDE}, every one trained on: peak resident"
        f" {found['both'] / 1e9:.2f} GB (aim: under {AIM_MEMORY / 1e9:.0f}), of its own {found['own'] / 1e9:.2f} GB,"
        f" pages of mapped files {found['files'] / 1e9:.2f} GB"
    )
    return found


def list_ours(bench: Bench, way: Way, mode: str, images: int | None = None) -> list[str]:
    """Write the configuration of our loop; returns its command."""
    alter = replace(
        bench.config.augmentation, kind="albumentations" if way.workers else "tensor", workers=max(1, way.workers)
    )
    config = replace(bench.config, precision=way.precision, compile=way.compiled, augmentation=alter)  # type: ignore[arg-type] # a Way's are the configuration's
    path = bench.directory / f"{way.precision}-{way.workers}-{way.compiled}-{config.cache_side}.yaml"
    path.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False), encoding="utf-8")
    options = {
        "--data": bench.data.resolve(),
        "--config": path,
        "--cache": bench.directory / "cache",
        "--images": images or bench.images,
        "--warm-up": bench.warm_up,
        "--mode": mode,
    }
    return [sys.executable, "-m", "ml.bench.loop", *(str(word) for option in options.items() for word in option)]


def list_timm(bench: Bench, way: Way) -> list[str]:
    """The command of timm's script."""
    assert bench.script is not None
    out = bench.directory / "timm"
    return list_command(bench.script, bench.config, way, images=bench.linked, out=out, device=bench.device)


def run_ours(bench: Bench, way: Way, mode: str = "steps", images: int | None = None) -> Speed:
    """One turn of our loop."""
    output = _run(list_ours(bench, way, mode, images), bench.directory)
    found: Speed = json.loads(output.strip().splitlines()[-1])
    return found


def run_timm(bench: Bench, way: Way) -> Speed:
    """One turn of timm's."""
    output = _run(list_timm(bench, way), bench.directory)
    return read_speed(output, warm_up=bench.warm_up, batch_size=bench.config.batch_size)


def _run(command: list[str], directory: Path) -> str:
    """Standard output and error of a command. Raises ``UserError`` with its last line if it fails."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(directory), "NO_ALBUMENTATIONS_UPDATE": "1"}
    done = subprocess.run(  # noqa: S603 our own command
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
        raise UserError(f"{' '.join(command[1:3])} failed: {last}")
    return done.stderr + done.stdout


def _median_ratio(turns: dict[str, list[Speed]], measure: Callable[[Speed], float]) -> float:
    """Median ratio of timm's time to ours over the turns: how many times as fast ours is."""
    pairs = zip(turns["ours"], turns["timm"], strict=True)
    return statistics.median(measure(timm) / measure(ours) for ours, timm in pairs)


def _describe_machine(bench: Bench) -> str:
    device = torch.cuda.get_device_name() if bench.device == "cuda" else platform.machine()
    threads = os.environ.get("OMP_NUM_THREADS", "as torch chooses")
    config = bench.config
    return (
        f"{device}, {os.cpu_count()} cores, threads: {threads}; {config.architecture} at {config.stages[0].size} px,"
        f" batches of {config.batch_size}; {bench.steps} steps a turn after {bench.warm_up}, {bench.turns} turns"
    )


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
