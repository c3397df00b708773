"""Resumable download of the training files of ISIC 2018 Task 3 from their official address.

Source: https://challenge.isic-archive.com/data/#2018 (CC BY-NC 4.0). The challenge's validation and test files are
never downloaded: they are for measuring only.
"""

import http
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

from tqdm import tqdm

from ml.bundle.hashing import hash_file
from ml.data.prepare.archives import open_archive
from ml.data.prepare.layouts import GROUND_TRUTH, GROUPINGS, INPUT
from ml.errors import UserError
from ml.support.disk import check_space, make_directory, writing

OFFICIAL_ADDRESS = "https://isic-archive.s3.amazonaws.com/challenges/2018/"
FILES = (f"{GROUPINGS}.csv", f"{GROUND_TRUTH}.zip", f"{INPUT}.zip")
KNOWN_SHA256: Mapping[str, str] = MappingProxyType({})
"""Published SHA-256 by file name.

The challenge publishes none: the first complete download is recorded in ``LOCK_NAME``, and later ones must match it.
"""
LOCK_NAME = "downloads.sha256"
PIECE_BYTES = 1 << 20
TRIES = 5
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Answer:
    """``body`` from byte ``start`` of a file of ``total`` bytes (None: unknown), and the validator of its version."""

    body: http.client.HTTPResponse
    start: int
    total: int | None
    validator: str


def download_official(
    directory: Path, *, address: str = OFFICIAL_ADDRESS, pause_seconds: float = 2.0, progress: bool = True
) -> None:
    """Download the official training files that ``directory`` lacks, and verify all against the recorded hashes.

    Raises ``UserError`` for a server that does not answer (run again to resume), a wrong size, checksum or zip.
    """
    if urlsplit(address).scheme not in ("https", "http"):
        raise UserError(f"{address}: is not an address of the web; give one that starts with https://")
    make_directory(directory)
    for name in FILES:
        path = directory / name
        if not path.is_file():
            download(urljoin(address, name), path, pause_seconds=pause_seconds, progress=progress)
        verify(path)


def download(url: str, path: Path, *, pause_seconds: float = 2.0, progress: bool = True) -> None:
    """Download one file to ``path``, resuming from its partial download (``.part``)."""
    part = path.with_name(f"{path.name}.part")
    for remaining in reversed(range(TRIES)):
        try:
            if _fetch_rest(url, part, progress=progress):
                with writing(path):
                    part.replace(path)
                    _validator_path(part).unlink(missing_ok=True)
                return
            problem = "the connection ended early"
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"HTTP {error.code} {error.reason}"
            if error.code < 500:
                break
        except (OSError, http.client.HTTPException) as error:  # network errors; ``writing`` reports those of the disk
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        if remaining:
            time.sleep(pause_seconds)
    raise UserError(f"{url}: cannot be downloaded ({problem}); run again to resume")


def verify(path: Path, *, known: Mapping[str, str] = KNOWN_SHA256) -> None:
    """Verify a download against its published hash, else against the recorded one, else record it."""
    lock = path.with_name(LOCK_NAME)
    noted = _read_lock(lock)
    expected = known.get(path.name) or noted.get(path.name)
    found = hash_file(path)
    if expected is None:
        _check_zip(path)
        noted[path.name] = found
        with writing(lock):
            lines = (f"{digest}  {name}\n" for name, digest in sorted(noted.items()))
            lock.write_text("".join(lines), encoding="utf-8")
    elif found != expected:
        raise UserError(
            f"{path}: SHA-256 is {found}, not {expected}; remove it and run again, "
            f"or remove its line from {lock.name} if the address has a new version"
        )


def _read_lock(lock: Path) -> dict[str, str]:
    """Recorded SHA-256 by file name, in the format of ``sha256sum``."""
    if not lock.is_file():
        return {}
    pairs = (line.split(maxsplit=1) for line in lock.read_text(encoding="utf-8").splitlines() if line.strip())
    try:
        return {name: digest for digest, name in pairs}
    except ValueError:
        raise UserError(f"{lock}: is not a list of hashes and names; remove it to record them again") from None


def _check_zip(path: Path) -> None:
    if path.suffix != ".zip":
        return
    with open_archive(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise UserError(f"{path}: {damaged} has a wrong CRC; remove the file and run again")


def _fetch_rest(url: str, part: Path, *, progress: bool) -> bool:
    """Request and append the missing part; returns whether the file is complete."""
    have = part.stat().st_size if part.is_file() else 0
    try:
        answer = _ask(url, part, have)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        return _has_all_or_starts_anew(part, have, error.headers.get("Content-Range", ""))
    with answer.body:
        if answer.total is not None:
            check_space(part.parent, answer.total - answer.start)
        with writing(part):
            _validator_path(part).write_text(answer.validator, encoding="utf-8")
            file = part.open("ab" if answer.start else "wb")
        with file, _open_bar(part, answer, progress=progress) as bar:
            while piece := answer.body.read(PIECE_BYTES):
                with writing(part):
                    file.write(piece)
                bar.update(len(piece))
    return answer.total is None or part.stat().st_size == answer.total


def _ask(url: str, part: Path, have: int) -> _Answer:
    """Request the file from byte ``have``, provided that its version is unchanged."""
    request = urllib.request.Request(url, headers={"User-Agent": "skinsite"})  # noqa: S310 the scheme was checked
    if have:
        request.add_header("Range", f"bytes={have}-")
        validator = _validator_path(part)
        if validator.is_file() and (text := validator.read_text(encoding="utf-8")):
            request.add_header("If-Range", text)
    body = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310 the scheme was checked
    etag = body.headers.get("ETag", "")
    validator_text = body.headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag
    whole = re.fullmatch(rf"bytes {have}-\d+/(\d+)", body.headers.get("Content-Range", ""))
    if body.status == http.HTTPStatus.PARTIAL_CONTENT:
        if whole is None:
            body.close()
            raise http.client.HTTPException("the server sent another range than it was asked for")
        return _Answer(body, have, int(whole[1]), validator_text)
    length = body.headers.get("Content-Length")  # a server that ignores Range sends everything
    return _Answer(body, 0, None if length is None else int(length), validator_text)


def _has_all_or_starts_anew(part: Path, have: int, content_range: str) -> bool:
    """Handle "range not satisfiable": the part is complete, or outdated and removed."""
    if content_range.rpartition("/")[2] == str(have):
        return True
    part.unlink()
    return False


def _validator_path(part: Path) -> Path:
    """File with the validator (ETag or date) of the partial download's version."""
    return part.with_suffix(".version")


def _open_bar(part: Path, answer: _Answer, *, progress: bool) -> "tqdm[NoReturn]":
    return tqdm(
        desc=part.stem,
        total=answer.total,
        initial=answer.start,
        unit="B",
        unit_scale=True,
        disable=not progress,
    )
