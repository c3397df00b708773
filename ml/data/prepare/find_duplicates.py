"""Search for pairs of images of the same lesion by five methods, listed for a person to review."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ml.data.duplicates.contact_sheet import Tile
from ml.data.duplicates.keypoints import KeypointMatcher
from ml.data.duplicates.near_duplicates import find_near_duplicates, find_similar
from ml.data.isic import Record
from ml.data.prepare.check import Inspection
from ml.data.prepare.tables import write_csv
from ml.taxonomy import CLASSES

WAYS = ("file", "pixels", "hash", "keypoints", "embedding")
"""Methods from identical bytes to similar embeddings; a pair is listed under the first that finds it.

``keypoints`` confirms a pair of two lesions that ``embedding`` proposes.
"""
WAYS_WITHOUT_NETWORK = WAYS[:3]
MIN_MATCHES = 12
MOST_PROPOSED = 180
FEW_PAIRS = 100
"""Pairs found by embedding only that are put on contact sheets; the list has all."""
COLUMNS = (
    *("first", "second", "found_by", "hash_distance", "cosine", "matches", "same_lesion", "lesion_first"),
    *("lesion_second", "same_label", "label_first", "label_second", "same_fold", "fold_first", "fold_second"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images: the method that found them and its evidence.

    Bits in which their hashes differ, cosine of their whitened embeddings, and number of matching keypoints (None: not
    searched).
    """

    first: Record
    second: Record
    found_by: str
    hash_distance: int
    cosine: float | None = None
    matches: int | None = None

    @property
    def same_lesion(self) -> bool:
        """Whether both are known to show one lesion."""
        return self.first.lesion_id is not None and self.first.lesion_id == self.second.lesion_id

    def confirm(self, matcher: KeypointMatcher) -> "Pair":
        """Count matching keypoints, which may confirm a pair that the embedding proposed."""
        matches = matcher.count_matches(self.first.path, self.second.path)
        confirmed = self.found_by == "embedding" and matches >= MIN_MATCHES
        return replace(self, matches=matches, found_by="keypoints" if confirmed else self.found_by)


def find_pairs(
    records: Sequence[Record],
    inspections: Sequence[Inspection],
    vectors: npt.NDArray[np.float32] | None,
    *,
    min_cosine: float,
    threads: int = 1,
    progress: bool = True,
) -> list[Pair]:
    """Pairs of records found by any method, the most certain first.

    Without ``vectors`` (N, D) of unit length, the methods that need them are skipped.
    """
    hashes = np.array([inspection.perceptual_hash for inspection in inspections], dtype=np.uint64)
    candidates: dict[str, Iterable[tuple[int, int]]] = {
        "file": _find_equal([inspection.file_sha256 for inspection in inspections]),
        "pixels": _find_equal([inspection.pixel_sha256 for inspection in inspections]),
        "hash": find_near_duplicates(hashes),
        "embedding": () if vectors is None else _propose(vectors, min_cosine=min_cosine),
    }
    found: dict[tuple[int, int], str] = {}
    for way, of_way in candidates.items():
        for pair in of_way:
            found.setdefault(pair, way)
    pairs = [
        Pair(
            first=records[first],
            second=records[second],
            found_by=way,
            hash_distance=int(np.bitwise_count(hashes[first] ^ hashes[second])),
            cosine=None if vectors is None else float(vectors[first] @ vectors[second]),
        )
        for (first, second), way in found.items()
    ]
    return sorted(_confirm(pairs, threads=threads, progress=progress), key=_sureness)


def _propose(vectors: npt.NDArray[np.float32], *, min_cosine: float) -> list[tuple[int, int]]:
    """The pairs with the most similar embeddings, at most as many as images, or ``FEW_PAIRS``.

    Few images do not allow whitening, and then nearly all look similar.
    """
    found = list(find_similar(vectors, min_cosine=min_cosine))
    likeness = [float(vectors[first] @ vectors[second]) for first, second in found]
    kept = sorted(range(len(found)), key=lambda index: -likeness[index])[: max(len(vectors), FEW_PAIRS)]
    return [found[index] for index in kept]


def _confirm(pairs: list[Pair], *, threads: int, progress: bool) -> list[Pair]:
    """Count keypoints of the pairs of two lesions; those of one need no confirmation."""
    matcher = KeypointMatcher()

    def confirm(pair: Pair) -> Pair:
        return pair if pair.same_lesion else pair.confirm(matcher)

    with ThreadPoolExecutor(threads) as pool:
        bar = tqdm(pool.map(confirm, pairs), total=len(pairs), desc="Matching pairs", unit="pair", disable=not progress)
        return list(bar)


def _sureness(pair: Pair) -> tuple[object, ...]:
    matches = 0 if pair.found_by == "embedding" else pair.matches or 0
    return (WAYS.index(pair.found_by), -matches, -(pair.cosine or 0), pair.first.image_id)


def _find_equal(hashes: Sequence[str]) -> Iterable[tuple[int, int]]:
    indices_of: dict[str, list[int]] = {}
    for index, digest in enumerate(hashes):
        indices_of.setdefault(digest, []).append(index)
    for alike in indices_of.values():
        yield from combinations(alike, 2)


def write_pairs(path: Path, pairs: Sequence[Pair], folds: Mapping[str, str]) -> None:
    """Write pairs as CSV with lesions, labels and folds of the frozen split (empty for other images)."""
    write_csv(path, COLUMNS, [_row(pair, folds) for pair in pairs])


def _row(pair: Pair, folds: Mapping[str, str]) -> tuple[object, ...]:
    first, second = pair.first, pair.second
    fold_first, fold_second = _fold(first, folds), _fold(second, folds)
    return (
        *(first.image_id, second.image_id, pair.found_by, pair.hash_distance),
        *("" if pair.cosine is None else f"{pair.cosine:.4f}", "" if pair.matches is None else pair.matches),
        *(_yes(pair.same_lesion), first.lesion_id or "", second.lesion_id or "", _yes(first.label == second.label)),
        *(CLASSES[first.label], CLASSES[second.label], _yes(fold_first == fold_second), fold_first, fold_second),
    )


def _yes(true: bool) -> str:  # noqa: FBT001 what it says is its one argument
    return "yes" if true else "no"


def count_pairs(
    pairs: Sequence[Pair], folds: Mapping[str, str], *, embeddings: bool = True
) -> dict[str, dict[str, int]]:
    """Counts by method: pairs, those across lesions, of these with two labels, across folds, and with the test fold.

    Methods that were skipped without ``embeddings`` are left out.
    """
    counts: dict[str, dict[str, int]] = {}
    for way in WAYS if embeddings else WAYS_WITHOUT_NETWORK:
        of_way = [pair for pair in pairs if pair.found_by == way]
        across = [pair for pair in of_way if not pair.same_lesion]
        sides = [{_fold(pair.first, folds), _fold(pair.second, folds)} for pair in across]
        tally = Counter("test" if "test" in side else "other" for side in sides if len(side) == 2)
        counts[way] = {
            "pairs": len(of_way),
            "across_lesions": len(across),
            "across_lesions_and_labels": sum(pair.first.label != pair.second.label for pair in across),
            "across_lesions_and_folds": tally.total(),
            "across_lesions_test_and_other": tally["test"],
        }
    return counts


def make_tiles(pairs: Iterable[Pair], folds: Mapping[str, str]) -> list[Tile]:
    """Tiles of the contact sheets: pairs of two lesions, and the most likely of the proposed ones.

    Within each method, pairs across folds come first, since they would leak.
    """
    across = [pair for pair in pairs if not pair.same_lesion]
    proposed = [pair for pair in across if pair.found_by == "embedding"]
    across = [pair for pair in across if pair.found_by != "embedding"] + proposed[:MOST_PROPOSED]
    across.sort(key=lambda pair: (WAYS.index(pair.found_by), _fold(pair.first, folds) == _fold(pair.second, folds)))
    return [
        Tile(
            paths=(pair.first.path, pair.second.path),
            caption=(
                *(_describe(record, folds) for record in (pair.first, pair.second)),
                f"{pair.found_by}: {pair.matches} keypoints agree, {pair.hash_distance} bits differ"
                + ("" if pair.cosine is None else f", cosine {pair.cosine:.2f}"),
            ),
        )
        for pair in across
    ]


def _describe(record: Record, folds: Mapping[str, str]) -> str:
    fold = _fold(record, folds) or "unknown"
    return f"{record.image_id}  {record.lesion_id or 'lesion unknown'}  {CLASSES[record.label]}  fold {fold}"


def _fold(record: Record, folds: Mapping[str, str]) -> str:
    return folds.get(record.image_id, "")
