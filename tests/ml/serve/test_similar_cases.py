"""The nearest confirmed lesions are found, a photograph is not shown to itself, and a spoilt file does not load."""

from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.build.similar_cases import CASES, build_cases, choose_cases, list_photographs, make_thumbnail, share_out
from ml.bundle.folder import Bundle
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import SIMILAR_CASES_FILE, BundleError
from ml.data.isic import Record, read_isic
from ml.data.split import read_split
from ml.serve.similar_cases import SimilarCases, load_similar_cases, quantise, save_similar_cases, to_unit_length
from ml.taxonomy import CLASSES
from tests.ml.pictures import draw_lesion

LESIONS, LENGTH = 40, 80


def record(number: int, label: int = 0, confirmation: str | None = "histo", path: Path = Path()) -> Record:
    return Record(f"ISIC_{number:07}", path, label, f"HAM_{number:07}", confirmation=confirmation)


@pytest.fixture(scope="module")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> list[list[Record]]:
    """Forty lesions of the seven classes in turn; of every fourth there are two photographs."""
    path = tmp_path_factory.mktemp("cases") / "lesion.jpg"
    draw_lesion().save(path)
    return [
        [record(2 * number + more, number % 7, path=path) for more in range(2 if number % 4 == 0 else 1)]
        for number in range(LESIONS)
    ]


@pytest.fixture(scope="module")
def embeddings(lesions: list[list[Record]]) -> np.ndarray[Any, Any]:
    """Of both views of each photograph: its class's direction, and its own."""
    random = np.random.default_rng(5)
    directions = random.normal(size=(7, LENGTH))
    photographs = list_photographs(lesions)
    own = random.normal(size=(len(photographs), 2, LENGTH))
    return (directions[[each.label for each in photographs]][:, None] * 2 + own).astype(np.float32)


@pytest.fixture(scope="module")
def cases(lesions: list[list[Record]], embeddings: np.ndarray[Any, Any]) -> SimilarCases:
    unseen = np.random.default_rng(6).normal(size=(30, 2, LENGTH)).astype(np.float32)
    return SimilarCases(replace(build_cases(lesions, embeddings, unseen), copy_from=np.array(0.99, np.float32)))


def test_the_nearest_are_those_of_the_same_kind_in_order(cases: SimilarCases) -> None:
    random = np.random.default_rng(5)
    direction = random.normal(size=(7, LENGTH))[3]
    found = cases.find(np.stack([direction, direction]).astype(np.float32), 5)
    assert [each.diagnosis for each in found] == [CLASSES[3]] * 5
    similarities = [each.similarity for each in found]
    assert similarities == sorted(similarities, reverse=True)
    assert max(similarities) < 1


def test_no_photograph_is_shown_its_own_lesion(
    cases: SimilarCases, lesions: list[list[Record]], embeddings: np.ndarray[Any, Any]
) -> None:
    lesion_of = {each.image_id: lesion[0].image_id for lesion in lesions for each in lesion}
    for photograph, embedding in zip(list_photographs(lesions), embeddings, strict=True):
        found = {each.image_id for each in cases.find(embedding, LESIONS)}
        assert len(found) == LESIONS - 1
        assert lesion_of[photograph.image_id] not in found


def test_a_photograph_is_a_copy_where_it_is_nearer_than_unseen_ones_are(
    lesions: list[list[Record]], embeddings: np.ndarray[Any, Any]
) -> None:
    arrays = build_cases(lesions, embeddings, embeddings[:10])
    assert arrays.copy_from > 0.98


def test_codes_of_eight_bits_point_where_the_vectors_do() -> None:
    drawn = np.random.default_rng(1).normal(size=(50, 64)) * np.logspace(-3, 3, 50)[:, None]
    vectors = np.asarray(drawn, np.float32)
    exact, coded = (np.asarray(to_unit_length(each), np.float64) for each in (vectors, quantise(vectors)))
    assert (exact * coded).sum(axis=1).min() > 0.9995


def test_thumbnails_are_small_pictures_of_the_cases(cases: SimilarCases, lesions: list[list[Record]]) -> None:
    data = cases.thumbnail(lesions[7][0].image_id)
    assert data is not None
    assert data == make_thumbnail(lesions[7][0].path)
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", (192, 144))
    assert cases.thumbnail("ISIC_9999999") is None


def test_the_file_holds_what_was_saved_and_is_the_same_each_time(
    cases: SimilarCases, embeddings: np.ndarray[Any, Any], bundle: Bundle, tmp_path: Path
) -> None:
    files = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_similar_cases(tmp_path / name, cases.arrays)
        files.append((tmp_path / name / SIMILAR_CASES_FILE).read_bytes())
    assert files[0] == files[1]
    loaded = load_similar_cases(bundle_with(bundle, tmp_path / "one"))
    assert loaded is not None
    assert loaded.find(embeddings[3]) == cases.find(embeddings[3])


def test_a_bundle_whose_manifest_names_no_cases_has_none(bundle: Bundle, tmp_path: Path) -> None:
    files = {name: sha for name, sha in bundle.manifest.files.items() if name != SIMILAR_CASES_FILE}
    assert load_similar_cases(replace(bundle, path=tmp_path, manifest=replace(bundle.manifest, files=files))) is None


@pytest.mark.parametrize("spoil", ["cut", "mixed"])
def test_a_spoilt_file_is_refused_in_one_line(cases: SimilarCases, bundle: Bundle, tmp_path: Path, spoil: str) -> None:
    arrays = cases.arrays if spoil == "cut" else replace(cases.arrays, diagnoses=cases.arrays.diagnoses[1:])
    save_similar_cases(tmp_path, arrays)
    if spoil == "cut":
        (tmp_path / SIMILAR_CASES_FILE).write_bytes((tmp_path / SIMILAR_CASES_FILE).read_bytes()[:5000])
    with pytest.raises(BundleError, match=r"similar_cases.npz.*build .* again\.$"):
        load_similar_cases(bundle_with(bundle, tmp_path))


def bundle_with(bundle: Bundle, path: Path) -> Bundle:
    files = bundle.manifest.files | {SIMILAR_CASES_FILE: hash_file(path / SIMILAR_CASES_FILE)}
    return replace(bundle, path=path, manifest=replace(bundle.manifest, files=files, arrays={}))


def test_places_are_shared_so_that_small_classes_give_all() -> None:
    assert share_out(100, [500, 10, 40, 500]) == [30, 10, 30, 30]
    assert share_out(200, [500, 10, 40, 500]) == [75, 10, 40, 75]
    assert share_out(100, [5, 6, 7]) == [5, 6, 7]


def test_what_tissue_or_time_has_settled_comes_before_what_experts_agreed_on() -> None:
    records = [record(number, 1, ("consensus", "follow_up", "histo")[number % 3]) for number in range(30)]
    chosen = choose_cases(records, {each.image_id: each.image_id for each in records}, cases=22)
    assert Counter(lesion[0].confirmation for lesion in chosen) == {"follow_up": 10, "histo": 10, "consensus": 2}


def test_the_photographs_of_a_group_are_one_lesion() -> None:
    records = [record(number) for number in range(6)]
    groups = {each.image_id: f"G{number // 2}" for number, each in enumerate(records)}
    chosen = choose_cases(list(reversed(records)), groups)
    assert [[each.image_id for each in lesion] for lesion in chosen] == [
        [records[place].image_id, records[place + 1].image_id] for place in (0, 2, 4)
    ]


def test_of_the_training_folds_two_thousand_lesions_are_chosen_with_all_rare_ones(data_dir: Path) -> None:
    split, groups = read_split().fold_of, read_split().group_of
    training = [each for each in read_isic(data_dir / "isic2018_task3").records if split[each.image_id] in "0123"]
    chosen = choose_cases(training, groups)
    assert len(chosen) == CASES
    counts = Counter(CLASSES[lesion[0].label] for lesion in chosen)
    available = Counter({groups[each.image_id]: CLASSES[each.label] for each in reversed(training)}.values())
    for code in ("AKIEC", "BCC", "DF", "VASC"):
        assert counts[code] == available[code]
    assert counts["MEL"] == counts["NV"] == counts["BKL"]
    assert {split[each.image_id] for lesion in chosen for each in lesion} <= set("0123")
