"""Reading the official layout, and what is said of one that is not."""

from pathlib import Path

import pytest

from ml.data.isic import parse_age, read_ground_truth, read_isic
from ml.errors import UserError
from ml.taxonomy import CLASSES
from tests.ml.spoilt_isic import HARMLESS, UNREADABLE, add_metadata, spoil
from tests.ml.tiny_isic import write_rows, write_tiny_isic

TRUTH = "ISIC2018_Task3_Training_GroundTruth.csv"
LESIONS = "ISIC2018_Task3_Training_LesionGroupings.csv"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_isic(tmp_path / "isic", per_class={"0": 1})


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_records_are_ordered_and_carry_label_lesion_and_confirmation(tiny: Path) -> None:
    records = read_isic(tiny).records
    assert [CLASSES[record.label] for record in records] == list(CLASSES)
    assert records == tuple(sorted(records, key=lambda record: record.image_id))
    assert records[0].lesion_id == f"HAM_{records[0].image_id[-7:]}"
    assert records[0].confirmation == "histopathology"
    assert records[0].path.is_file()
    assert records[0].age is None


def test_metadata_of_ham10000_is_joined_when_there(tiny: Path) -> None:
    image_id = read_isic(tiny).records[0].image_id
    header = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
    rows: list[tuple[object, ...]] = [("HAM_1", image_id, "mel", "histo", "45.0", "female", "unknown")]
    write_rows(tiny / "HAM10000_metadata.csv", header, rows)
    record = read_isic(tiny).records[0]
    assert (record.age, record.sex, record.site, record.confirmation) == (45.0, "female", None, "histo")


def test_columns_are_found_by_name_in_any_order(tiny: Path) -> None:
    before = [record.label for record in read_isic(tiny).records]
    lines = (tiny / TRUTH).read_text(encoding="utf-8").splitlines()
    turned = [",".join([fields[0], *reversed(fields[1:])]) for fields in (line.split(",") for line in lines)]
    (tiny / TRUTH).write_text("\n".join(turned), encoding="utf-8")
    assert [record.label for record in read_isic(tiny).records] == before


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such directory"):
        read_isic(tmp_path / "nowhere")


def test_a_directory_of_another_layout_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \*_Training_Input here.* with python -m ml prepare"):
        read_isic(tmp_path)


@pytest.mark.parametrize(("name", "column"), [(TRUTH, "AKIEC"), (LESIONS, "lesion_id")])
def test_a_missing_column_is_named_with_its_file(tiny: Path, name: str, column: str) -> None:
    change(tiny / name, column, "something")
    with pytest.raises(UserError, match=f"{name}: column {column} is missing"):
        read_isic(tiny)


@pytest.mark.parametrize("wrong", ["1.0,1.0,0.0", "0.0,0.0,0.0", "0.5,0.5,0.0"])
def test_labels_that_are_not_one_hot_are_named_with_their_line(tiny: Path, wrong: str) -> None:
    change(tiny / TRUTH, "1.0,0.0,0.0", wrong)
    with pytest.raises(UserError, match=rf"{TRUTH}, line 2: ISIC_\d+ is not one-hot"):
        read_isic(tiny)


def test_labels_that_are_not_numbers_are_named(tiny: Path) -> None:
    change(tiny / TRUTH, "1.0,", "yes,")
    with pytest.raises(UserError, match=r"line 2: a label of ISIC_\d+ is not a number"):
        read_isic(tiny)


def test_a_short_row_is_named(tiny: Path) -> None:
    change(tiny / TRUTH, "1.0,0.0,0.0,0.0,0.0,0.0,0.0", "1.0")
    with pytest.raises(UserError, match="line 2: too few fields"):
        read_isic(tiny)


def test_an_image_labelled_twice_is_named(tiny: Path) -> None:
    path = tiny / TRUTH
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(UserError, match="is labelled twice"):
        read_isic(tiny)


def test_an_image_without_label_is_named(tiny: Path) -> None:
    images = next(tiny.glob("*_Input"))
    (images / "ISIC_9999999.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"no label for ISIC_9999999"):
        read_isic(tiny)


def test_a_label_without_image_is_named(tiny: Path) -> None:
    path = read_isic(tiny).records[3].path
    path.unlink()
    with pytest.raises(UserError, match=f"no image file for {path.stem}"):
        read_isic(tiny)


def test_an_image_in_two_formats_is_named(tiny: Path) -> None:
    path = read_isic(tiny).records[0].path
    path.with_suffix(".png").write_bytes(b"")
    with pytest.raises(UserError, match=f"{path.stem} occurs twice"):
        read_isic(tiny)


def test_a_file_that_is_not_text_is_named(tiny: Path) -> None:
    (tiny / TRUTH).write_bytes(b"\xff\xfe\x00image")
    with pytest.raises(UserError, match=f"{TRUTH}: cannot be read as CSV"):
        read_isic(tiny)


def test_the_official_set_has_its_published_counts(data_dir: Path) -> None:
    records = read_isic(data_dir / "isic2018_task3").records
    counts = {code: sum(CLASSES[record.label] == code for record in records) for code in CLASSES}
    assert counts == {"MEL": 1113, "NV": 6705, "BCC": 514, "AKIEC": 327, "BKL": 1099, "DF": 115, "VASC": 142}
    assert len({record.lesion_id for record in records}) == 7470


@pytest.mark.parametrize("way", HARMLESS)
def test_a_copy_that_was_handled_reads_as_the_original(tiny: Path, tmp_path: Path, way: str) -> None:
    clean = read_isic(add_metadata(tiny)).records
    spoilt = read_isic(spoil(tiny, tmp_path / "spoilt", HARMLESS[way])).records
    told = [
        [(each.image_id, each.label, each.lesion_id, each.age, each.site) for each in its] for its in (clean, spoilt)
    ]
    assert told[0] == told[1]
    assert [each.path.name for each in spoilt] == [each.path.name for each in clean]


@pytest.mark.parametrize("way", UNREADABLE)
def test_a_copy_that_cannot_be_read_is_told_in_one_line(tiny: Path, tmp_path: Path, way: str) -> None:
    how, message = UNREADABLE[way]
    with pytest.raises(UserError, match=message) as told:
        read_isic(spoil(add_metadata(tiny), tmp_path / "spoilt", how))
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "None", "unknown"])
def test_what_is_not_known_may_be_written_as_libraries_write_it(tiny: Path, missing: str) -> None:
    record = read_isic(add_metadata(tiny, age=missing, sex=missing, site=missing)).records[0]
    assert (record.age, record.sex, record.site) == (None, None, None)


def test_a_lesion_that_is_not_known_is_not_one_lesion_called_nan(tiny: Path) -> None:
    text = (tiny / LESIONS).read_text(encoding="utf-8")
    lines = [text.splitlines()[0], *(f"{line.split(',')[0]},nan,histopathology" for line in text.splitlines()[1:])]
    (tiny / LESIONS).write_text("\n".join(lines), encoding="utf-8")
    assert {record.lesion_id for record in read_isic(tiny).records} == {None}


def test_two_tables_that_differ_are_named(tiny: Path) -> None:
    (tiny / "ISIC2018_Task3_Training_copy_GroundTruth.csv").write_text("image\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"several \*_GroundTruth \(.*copy_GroundTruth.csv"):
        read_isic(tiny)


@pytest.mark.parametrize(
    "start", ["sep=;\n", '"sep=;"\r\n', "\n", ";;\n", "# labels of our clinic; 2018, second, third\n"]
)
def test_what_stands_before_the_header_is_passed_over(tmp_path: Path, start: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(
        f"{start}Image;MEL;nv;Bcc;akiec;bkl;df;vasc\none;0;1,0;0;0;0;0;0\ntwo;2;0;0;0;0;0;0\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"truth\.csv, line 4: two is not one-hot"):
        read_ground_truth(path)
    path.write_text(path.read_text(encoding="utf-8").replace("two;2", "two;1"), encoding="utf-8")
    assert read_ground_truth(path) == {"one": 1, "two": 0}


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1"])
def test_a_workbook_is_told(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(start)
    with pytest.raises(UserError, match=r"truth\.csv: is a workbook of Excel or LibreOffice.* save it as CSV"):
        read_ground_truth(path)


@pytest.mark.parametrize(
    ("text", "age"), [("45,5", 45.5), ("45.5", 45.5), *((each, None) for each in ("-", "?", "#N/A", "NaT"))]
)
def test_ages_are_read_as_tables_write_them(text: str, age: float | None) -> None:
    assert parse_age(text) == age
