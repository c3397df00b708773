"""Preparation of any layout of HAM10000: check, and write in the official layout.

The source is not changed. The labels are written last, so a directory without them is incomplete.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ml.data.duplicates.contact_sheet import write_pages
from ml.data.duplicates.embeddings import open_embeddings, whiten
from ml.data.isic import Record, read_isic
from ml.data.masks import DIRECTORY, ENDING
from ml.data.prepare.check import Inspection, inspect_images
from ml.data.prepare.download import download_official
from ml.data.prepare.find_duplicates import WAYS, count_pairs, find_pairs, make_tiles, write_pairs
from ml.data.prepare.layouts import GROUND_TRUTH, INPUT, Layout, find_layout
from ml.data.prepare.official_layout import write_images
from ml.data.prepare.tables import Tables, check_tables, read_tables, write_csv, write_tables
from ml.data.split import read_split
from ml.errors import UserError
from ml.support.disk import make_directory, writing
from ml.taxonomy import CLASSES

LEFT_OUT_FILE = "left_out.csv"
SUMMARY_FILE = "summary.json"
DUPLICATES_FILE = "duplicates.csv"
EMBEDDINGS_FILE = "embeddings.npz"


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a preparation.

    Counts of images, lesions, classes and sizes in pixels; images without metadata; excluded images with reasons, by
    id; pairs by method.
    """

    images: int
    lesions: int
    without_metadata: int
    masks: int
    classes: dict[str, int]
    sizes: dict[str, int]
    left_out: dict[str, str]
    duplicates: dict[str, dict[str, int]]

    def to_text(self) -> str:
        """A few lines for a terminal."""
        lines = [
            f"{self.images} images of {self.lesions} lesions with {self.masks} masks",
            f"without metadata: {self.without_metadata}",
            f"classes: {_list_counts(self.classes)}",
            f"sizes: {_list_counts(self.sizes)}",
        ]
        lines += [f"duplicates by {way}: {_list_counts(counts)}" for way, counts in self.duplicates.items()]
        lines += [f"duplicates by {way}: not looked for" for way in WAYS if way not in self.duplicates]
        if self.left_out:
            lines.append(f"left out: {len(self.left_out)} images, listed with the reason in {LEFT_OUT_FILE}")
        return "\n".join(lines)


def _list_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the preparation.

    Least cosine of proposed duplicates, and whether embeddings are computed; whether faulty images are left out;
    number of threads; whether progress is shown.
    """

    min_cosine: float
    keep_going: bool = False
    embeddings: bool = True
    threads: int = 1
    progress: bool = True


def prepare(source: Path, out: Path, options: Options) -> Summary:
    """Check everything in ``source`` and write it to ``out``, with a list and contact sheets of duplicates.

    Raises ``UserError`` for missing parts, and for a faulty image unless ``keep_going``, which leaves it out.
    """
    check_places(source, out)
    layout = find_layout(source)
    left_out = dict(layout.faults)
    tables = read_tables(layout, left_out)
    left_out |= _find_unmatched(source, layout, tables, left_out) | check_tables(tables)
    _stop_at(left_out, source, options)
    make_directory(out)
    # Without labels the directory counts as incomplete.
    (out / f"{GROUND_TRUTH}.csv").unlink(missing_ok=True)
    wanted = sorted((layout.images.keys() & tables.labels.keys()) - left_out.keys())
    inspections, damaged = _write_good_images(layout, wanted, out, options)
    left_out |= damaged
    _write_masks(layout, inspections, out, options)
    write_csv(out / LEFT_OUT_FILE, ("image", "reason"), sorted(left_out.items()))
    write_tables(out, tables, list(inspections))
    records = read_isic(out).records
    duplicates = _list_duplicates(records, inspections, out, options)
    summary = _summarise(records, inspections, layout, tables, left_out=left_out, duplicates=duplicates)
    with writing(out / SUMMARY_FILE):
        text = json.dumps(asdict(summary), indent=2, ensure_ascii=False)
        (out / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return summary


def check_places(source: Path, out: Path) -> None:
    """Raise ``UserError`` if the output would overwrite the input."""
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the source itself; give another directory with --out")


def _find_unmatched(source: Path, layout: Layout, tables: Tables, faulty: Mapping[str, str]) -> dict[str, str]:
    """Images without a label and labels without an image."""
    if not tables.labels.keys() & layout.images.keys():
        raise UserError(f"{source}: no image has a label; give the images and the labels of the same data set")
    unlabelled = layout.images.keys() - tables.labels.keys() - faulty.keys()
    absent = tables.labels.keys() - layout.images.keys() - faulty.keys()
    return dict.fromkeys(unlabelled, "has no label; add its row or remove the image") | dict.fromkeys(
        absent, "has a label and no image file; add the file or remove the row"
    )


def _stop_at(faults: Mapping[str, str], place: Path, options: Options) -> None:
    """Raise ``UserError`` for the first fault, with the number of the others."""
    if options.keep_going or not faults:
        return
    name, problem = min(faults.items())
    others = sorted(faults)[1:]
    more = f" ({len(others)} more: {', '.join(others[:5])}{', …' * (len(others) > 5)})" if others else ""
    raise UserError(f"{place}: {name}: {problem.rstrip('.')}{more}; or leave such images out with --keep-going")


def _write_good_images(
    layout: Layout, wanted: Sequence[str], out: Path, options: Options
) -> tuple[dict[str, Inspection], dict[str, str]]:
    """Write and inspect the images; returns inspections of valid ones and faults of those removed again."""
    paths = write_images({name: layout.images[name] for name in wanted}, out / INPUT, progress=options.progress)
    inspections, damaged = inspect_images(paths, threads=options.threads, progress=options.progress)
    _stop_at(damaged, out / INPUT, options)
    for name in damaged:
        paths[name].unlink()
    return inspections, damaged


def _write_masks(layout: Layout, image_ids: Iterable[str], out: Path, options: Options) -> None:
    masks = {name: layout.masks[name] for name in image_ids if name in layout.masks}
    if masks:
        write_images(masks, out / DIRECTORY, ending=ENDING, progress=options.progress)


def _list_duplicates(
    records: Sequence[Record], inspections: Mapping[str, Inspection], out: Path, options: Options
) -> dict[str, dict[str, int]]:
    """Write the list of pairs and their contact sheets, and count them."""
    folds = read_split().fold_of
    found = [inspections[record.image_id] for record in records]
    vectors = None
    if options.embeddings:
        paths, hashes = [record.path for record in records], [inspection.file_sha256 for inspection in found]
        kept = out / EMBEDDINGS_FILE
        vectors = whiten(open_embeddings(paths, hashes, kept, threads=options.threads, progress=options.progress))
    pairs = find_pairs(
        records,
        found,
        vectors,
        min_cosine=options.min_cosine,
        threads=options.threads,
        progress=options.progress,
    )
    write_pairs(out / DUPLICATES_FILE, pairs, folds)
    write_pages(make_tiles(pairs, folds), out / "duplicates")
    return count_pairs(pairs, folds, embeddings=options.embeddings)


def _summarise(
    records: Sequence[Record],
    inspections: Mapping[str, Inspection],
    layout: Layout,
    tables: Tables,
    *,
    left_out: dict[str, str],
    duplicates: dict[str, dict[str, int]],
) -> Summary:
    labels = Counter(CLASSES[record.label] for record in records)
    return Summary(
        images=len(records),
        lesions=len({record.group for record in records}),
        without_metadata=len(inspections.keys() - tables.metadata.keys()),
        masks=len(inspections.keys() & layout.masks.keys()),
        classes={code: labels[code] for code in CLASSES},
        sizes=dict(
            Counter(f"{inspection.width}×{inspection.height}" for inspection in inspections.values()).most_common()
        ),
        left_out=left_out,
        duplicates=duplicates,
    )


def main(options: argparse.Namespace) -> int:
    """Prepare as the options say, and print the summary."""
    if not 0 < options.min_cosine <= 1:
        raise UserError(f"--min-cosine is {options.min_cosine}; it must be over 0 and at most 1")
    if options.threads is not None and options.threads < 1:
        raise UserError(f"--threads is {options.threads}; it must be 1 or more")
    check_places(options.source, options.out)
    if options.download:
        download_official(options.source, address=options.address)
    chosen = Options(
        min_cosine=options.min_cosine,
        keep_going=options.keep_going,
        embeddings=not options.no_embeddings,
        threads=options.threads or os.cpu_count() or 1,
    )
    print(prepare(options.source, options.out, chosen).to_text())
    return 0
