"""Every layout of HAM10000 becomes the official one, and every fault is told in one line."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.data.isic import read_isic
from ml.data.prepare.preparation import Options, prepare
from ml.errors import UserError
from ml.taxonomy import CLASSES
from tests.ml.data.prepare import ham10000
from tests.ml.data.prepare.ham10000 import NAMES
from tests.ml.pictures import jpeg

STEM = "ISIC2018_Task3_Training"
IMAGES, TRUTH = f"{STEM}_Input", f"{STEM}_GroundTruth.csv"
QUICK = Options(min_cosine=0.4, embeddings=False, progress=False)
LENIENT = Options(min_cosine=0.4, embeddings=False, progress=False, keep_going=True)


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    return ham10000.write_kaggle(tmp_path / "kaggle")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    return ham10000.write_official_folders(tmp_path / "official")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def left_out(out: Path) -> dict[str, str]:
    with (out / "left_out.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("write", "lesions", "masks", "age"),
    [
        (ham10000.write_official_folders, 8, 0, None),
        (ham10000.write_official_zips, 4, 0, None),
        (ham10000.write_dataverse, 4, 5, 45.0),
        (ham10000.write_kaggle, 4, 0, 45.0),
    ],
    ids=["official folders", "official zips", "dataverse", "kaggle"],
)
def test_every_layout_becomes_the_official_one(
    tmp_path: Path, write: Callable[[Path], Path], lesions: int, masks: int, age: float | None
) -> None:
    out = tmp_path / "out"
    summary = prepare(write(tmp_path / "source"), out, QUICK)
    records = read_isic(out).records
    assert [record.image_id for record in records] == list(NAMES)
    assert [CLASSES[record.label] for record in records] == ["MEL", "MEL", "NV", "NV", "BCC", "BCC", "AKIEC", "AKIEC"]
    assert {record.path.parent for record in records} == {out / IMAGES}
    assert {record.age for record in records} == {age}
    assert [record.path.read_bytes() for record in records] == list(ham10000.photographs().values())
    assert (summary.images, summary.lesions, summary.masks) == (8, lesions, masks)
    assert summary.sizes == {"320×240": 8}
    assert len(list((out / "HAM10000_segmentations").glob("*_segmentation.png"))) == masks
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["images"] == 8


def test_metadata_without_suffix_is_read(kaggle: Path, tmp_path: Path) -> None:
    (kaggle / "HAM10000_metadata.csv").rename(kaggle / "HAM10000_metadata")
    assert prepare(kaggle, tmp_path / "out", QUICK).without_metadata == 0


def test_the_groupings_are_made_from_the_metadata(kaggle: Path, tmp_path: Path) -> None:
    prepare(kaggle, tmp_path / "out", QUICK)
    lines = (tmp_path / "out" / f"{STEM}_LesionGroupings.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["image,lesion_id,diagnosis_confirm_type", f"{NAMES[0]},HAM_0,histopathology"]


def test_a_second_run_unpacks_nothing_again(tmp_path: Path) -> None:
    source, out = ham10000.write_official_zips(tmp_path / "source"), tmp_path / "out"
    prepare(source, out, QUICK)
    before = {path: path.stat().st_ino for path in (out / IMAGES).iterdir()}
    prepare(source, out, QUICK)
    assert {path: path.stat().st_ino for path in (out / IMAGES).iterdir()} == before


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    source, out = ham10000.write_official_zips(tmp_path / "source"), tmp_path / "out"
    prepare(source, out, QUICK)
    half = (out / IMAGES / f"{NAMES[3]}.jpg").read_bytes()
    (out / IMAGES / f"{NAMES[3]}.jpg").unlink()
    (out / IMAGES / f"{NAMES[3]}.jpg.part").write_bytes(half[:100])
    prepare(source, out, QUICK)
    assert (out / IMAGES / f"{NAMES[3]}.jpg").read_bytes() == half
    assert len(list((out / IMAGES).iterdir())) == 8


def test_where_links_cannot_be_made_files_are_copied(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    prepare(folders, tmp_path / "out", QUICK)
    copy, source = (place / IMAGES / f"{NAMES[0]}.jpg" for place in (tmp_path / "out", folders))
    assert copy.read_bytes() == source.read_bytes()
    assert not copy.samefile(source)


# What is missing.


def test_an_empty_directory_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    expected = (
        rf"missing {IMAGES} or HAM10000_images_part_1 and HAM10000_images_part_2 \(folders or \.zip\); "
        rf"missing {STEM}_GroundTruth\.csv \(or \.zip\) or HAM10000_metadata"
    )
    with pytest.raises(UserError, match=expected):
        prepare(tmp_path / "source", tmp_path / "out", QUICK)


def test_a_half_of_the_images_is_told_which_is_missing(kaggle: Path, tmp_path: Path) -> None:
    for spelling in ("HAM", "ham"):
        shutil.rmtree(kaggle / f"{spelling}10000_images_part_2")
    with pytest.raises(UserError, match=r"kaggle: missing HAM10000_images_part_2 \(folder or \.zip\); add them"):
        prepare(kaggle, tmp_path / "out", QUICK)


def test_a_wrong_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such directory"):
        prepare(tmp_path / "nowhere", tmp_path / "out", QUICK)


def test_a_missing_column_is_named(kaggle: Path, tmp_path: Path) -> None:
    change(kaggle / "HAM10000_metadata.csv", "dx,", "diagnosis,")
    with pytest.raises(UserError, match=r"HAM10000_metadata\.csv: column dx is missing"):
        prepare(kaggle, tmp_path / "out", QUICK)


def test_labels_of_another_data_set_are_refused(kaggle: Path, tmp_path: Path) -> None:
    text = (kaggle / "HAM10000_metadata.csv").read_text(encoding="utf-8").replace("ISIC_00", "ISIC_99")
    (kaggle / "HAM10000_metadata.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"kaggle: no image has a label"):
        prepare(kaggle, tmp_path / "out", LENIENT)


# What is wrong with one image: one line, or left out and listed.


def truncate(source: Path) -> None:
    path = source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    path.write_bytes(path.read_bytes()[:2000])


def unplug(source: Path) -> None:
    path = source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    path.unlink()
    path.symlink_to("/mnt/unplugged/photograph.jpg")


def make_folder(source: Path) -> None:
    path = source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    path.unlink()
    path.mkdir()


def make_grey(source: Path) -> None:
    path = source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    path.write_bytes(jpeg(ham10000.picture(6).convert("L")))


def make_small(source: Path) -> None:
    path = source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    path.write_bytes(jpeg(ham10000.picture(6, width=160, height=120)))


def alter(old: str, new: str) -> Callable[[Path], None]:
    return lambda source: change(source / "HAM10000_metadata.csv", old, new)


def drop_row(source: Path) -> None:
    change(source / "HAM10000_metadata.csv", ",".join(ham10000.METADATA[NAMES[6]]) + "\n", "")


def drop_image(source: Path) -> None:
    (source / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg").unlink()


ROW = ",".join(ham10000.METADATA[NAMES[6]])
FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "damaged": (truncate, "cut off or damaged"),
    "grey": (make_grey, "has the channels L, not RGB"),
    "small": (make_small, "has 160×120 pixels, the least is 224"),
    "no label": (drop_row, "has no label"),
    "no image": (drop_image, "has a label and no image file"),
    "unknown dx": (alter(ROW, ROW.replace("akiec", "scc")), "dx is 'scc', not one of mel"),
    "unknown sex": (alter(ROW, ROW.replace("female", "m")), "sex is 'm', not one of male, female, unknown"),
    "old": (alter(ROW, ROW.replace("45.0", "450")), "age is '450', not a number from 0 to 120"),
    "age in words": (alter(ROW, ROW.replace("45.0", "old")), "age is 'old'"),
    "a link to nowhere": (unplug, "leads to a file that is not there"),
    "a folder under its name": (make_folder, "is a folder under an image's name"),
    "unknown dx_type": (alter(ROW, ROW.replace("histo", "guess")), "dx_type is 'guess'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_image_is_named_in_one_line(kaggle: Path, tmp_path: Path, name: str) -> None:
    spoil, problem = FAULTS[name]
    spoil(kaggle)
    with pytest.raises(UserError, match=f"{NAMES[6]}: .*{problem}.*--keep-going") as caught:
        prepare(kaggle, tmp_path / "out", QUICK)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / TRUTH).exists(), "nobody takes it for finished"


@pytest.mark.parametrize("name", FAULTS)
def test_with_keep_going_it_is_left_out_and_listed(kaggle: Path, tmp_path: Path, name: str) -> None:
    spoil, problem = FAULTS[name]
    spoil(kaggle)
    summary = prepare(kaggle, tmp_path / "out", LENIENT)
    records = read_isic(tmp_path / "out").records
    assert [record.image_id for record in records] == [its for its in NAMES if its != NAMES[6]]
    assert left_out(tmp_path / "out").keys() == {NAMES[6]}
    assert problem in left_out(tmp_path / "out")[NAMES[6]]
    assert "left out: 1 images" in summary.to_text()


def test_the_source_keeps_its_faulty_file(kaggle: Path, tmp_path: Path) -> None:
    truncate(kaggle)
    prepare(kaggle, tmp_path / "out", LENIENT)
    assert (kaggle / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg").stat().st_size == 2000


def test_a_mended_file_takes_the_place_of_the_damaged_one(kaggle: Path, tmp_path: Path) -> None:
    path = kaggle / "HAM10000_images_part_2" / f"{NAMES[6]}.jpg"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    with pytest.raises(UserError, match=NAMES[6]):
        prepare(kaggle, tmp_path / "out", QUICK)
    path.unlink()
    path.write_bytes(whole)
    assert prepare(kaggle, tmp_path / "out", QUICK).images == 8


def test_several_faults_are_counted(kaggle: Path, tmp_path: Path) -> None:
    drop_image(kaggle)
    (kaggle / "HAM10000_images_part_1" / f"{NAMES[1]}.jpg").unlink()
    with pytest.raises(UserError, match=rf"{NAMES[1]}: .* \(1 more: {NAMES[6]}\); or leave such images out"):
        prepare(kaggle, tmp_path / "out", QUICK)


def test_a_lesion_of_two_diagnoses_loses_all_its_images(kaggle: Path, tmp_path: Path) -> None:
    alter(ROW, ROW.replace("akiec", "df"))(kaggle)
    summary = prepare(kaggle, tmp_path / "out", LENIENT)
    assert summary.left_out.keys() == {NAMES[6], NAMES[7]}
    assert "its lesion HAM_3 has the diagnoses AKIEC, DF" in summary.left_out[NAMES[7]]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("mel,histo", "nv,histo", "dx is 'nv', but its label MEL"),
        ("HAM_0", "HAM_9", "lesion_id is 'HAM_9', but 'HAM_0' in"),
        ("mel,histo", "mel,follow_up", "dx_type is 'follow_up', but 'histopathology' in"),
    ],
)
def test_tables_that_differ_are_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    source = ham10000.write_official_zips(tmp_path / "source")
    text = ham10000.table(ham10000.HEADER, list(ham10000.METADATA.values())).replace(old, new, 1)
    (source / "HAM10000_metadata.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=f"{NAMES[0]}: {problem}"):
        prepare(source, tmp_path / "out", QUICK)


@pytest.mark.parametrize("marks", ["1.0,1.0", "0.0,0.0", "yes,0.0"])
def test_a_label_that_is_not_one_hot(folders: Path, tmp_path: Path, marks: str) -> None:
    change(folders / f"{STEM}_GroundTruth" / TRUTH, f"{NAMES[0]},1.0,0.0", f"{NAMES[0]},{marks}")
    with pytest.raises(UserError, match=rf"{NAMES[0]}: .*{TRUTH}, line 2: .*--keep-going"):
        prepare(folders, tmp_path / "out", QUICK)
    assert prepare(folders, tmp_path / "out", LENIENT).left_out.keys() == {NAMES[0]}


def test_an_image_labelled_twice(folders: Path, tmp_path: Path) -> None:
    path = folders / f"{STEM}_GroundTruth" / TRUTH
    path.write_text(path.read_text(encoding="utf-8") + f"{NAMES[0]},0.0,1.0,0.0,0.0,0.0,0.0,0.0\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"line 10: {NAMES[0]} is labelled twice"):
        prepare(folders, tmp_path / "out", QUICK)
    assert prepare(folders, tmp_path / "out", LENIENT).left_out.keys() == {NAMES[0]}


# Places.


def test_the_source_is_never_written_over(folders: Path) -> None:
    with pytest.raises(UserError, match="is the source itself"):
        prepare(folders, folders, QUICK)


def test_files_from_elsewhere_are_not_removed(folders: Path, tmp_path: Path) -> None:
    strange = tmp_path / "out" / IMAGES / "holiday.jpg"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"holiday\.jpg is not of these images"):
        prepare(folders, tmp_path / "out", QUICK)
    assert strange.read_bytes() == b"mine"


def test_a_full_disk_is_told_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ham10000.write_official_zips(tmp_path / "source")
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"Input: 0\.05 GB are needed and 0\.01 GB are free; make room"):
        prepare(source, tmp_path / "out", QUICK)
    assert list((tmp_path / "out" / IMAGES).iterdir()) == []


def test_a_disk_that_fills_while_writing_is_told(tmp_path: Path) -> None:
    source, out = ham10000.write_official_zips(tmp_path / "source"), tmp_path / "out"
    out.mkdir()
    (out / "left_out.csv").symlink_to("/dev/full")  # takes nothing: "No space left on device"
    with pytest.raises(UserError, match=r"left_out\.csv: cannot be written \(No space left on device\); make room"):
        prepare(source, out, QUICK)


# Duplicates.


def list_pairs(out: Path) -> dict[tuple[str, str], dict[str, str]]:
    with (out / "duplicates.csv").open(encoding="utf-8", newline="") as file:
        return {(row["first"], row["second"]): row for row in csv.DictReader(file)}


def test_duplicates_are_found_by_the_surest_way(folders: Path, tmp_path: Path) -> None:
    """Of the first image: its bytes again, its pixels again, a paler copy; of the second, a turned copy."""
    folder = folders / IMAGES
    first = (folder / f"{NAMES[0]}.jpg").read_bytes()
    (folder / f"{NAMES[2]}.jpg").write_bytes(first)
    (folder / f"{NAMES[3]}.jpg").write_bytes(first + b"trailer")
    paler = ham10000.picture(0).point(lambda value: value * 0.9 + 20)
    (folder / f"{NAMES[4]}.jpg").write_bytes(jpeg(paler))
    turned = ham10000.picture(1).resize((400, 300)).rotate(25).crop((40, 30, 360, 270))
    (folder / f"{NAMES[5]}.jpg").write_bytes(jpeg(turned))
    # So few images teach no cosine that tells anything: every pair is proposed.
    summary = prepare(folders, tmp_path / "out", Options(min_cosine=-1, progress=False))
    ways = {pair: row["found_by"] for pair, row in list_pairs(tmp_path / "out").items()}
    assert ways.pop((NAMES[0], NAMES[2])) == "file"
    assert ways.pop((NAMES[0], NAMES[3])) == ways.pop((NAMES[2], NAMES[3])) == "pixels"
    assert {ways.pop((NAMES[place], NAMES[4])) for place in (0, 2, 3)} == {"hash"}
    assert ways.pop((NAMES[1], NAMES[5])) == "keypoints"
    assert set(ways.values()) == {"embedding"}
    assert {way: counts["pairs"] for way, counts in summary.duplicates.items()} == {
        "file": 1,
        "pixels": 2,
        "hash": 3,
        "keypoints": 1,
        "embedding": len(ways),
    }
    assert summary.duplicates["pixels"]["across_lesions_and_labels"] == 1
    assert list((tmp_path / "out" / "duplicates").glob("page-*.jpg"))


def test_embeddings_are_kept_for_the_next_run(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(min_cosine=0.9, progress=False)
    first = prepare(folders, tmp_path / "out", options)
    monkeypatch.setattr("ml.data.duplicates.embeddings.embed_images", None)
    assert prepare(folders, tmp_path / "out", options) == first
