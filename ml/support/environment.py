"""Provenance of a run: machine, libraries and state of the repository."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any


def describe_environment(*libraries: str) -> dict[str, Any]:
    """Interpreter, processor and the versions of the named libraries."""
    machine = {"python": platform.python_version(), "processor": _name_processor(), "cores": os.cpu_count()}
    return {**machine, **{name: version(name) for name in libraries}}


def find_git_revision() -> str | None:
    """The commit, marked if files differ from it; None outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    return result.stdout.strip() or None


def _name_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
