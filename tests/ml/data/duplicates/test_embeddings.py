"""Embeddings are kept, and whitened so that a class's common look does not hide a lesion's own."""

from pathlib import Path

import numpy as np
import pytest

from ml.data.duplicates.embeddings import open_embeddings, whiten
from ml.data.duplicates.near_duplicates import find_similar
from tests.ml.data.prepare.ham10000 import picture


def test_whitening_finds_pairs_that_a_common_direction_hides() -> None:
    random = np.random.default_rng(3)
    own = random.normal(0, 0.1, (400, 8))
    own[1] = own[0] + random.normal(0, 0.01, 8)
    common = np.zeros((400, 8))
    common[:, 0] = random.normal(0, 5, 400)  # what a class shares, and by what two photographs of a lesion differ
    vectors = (own + common).astype(np.float32)
    plain = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert len(list(find_similar(plain, min_cosine=0.99))) > 1000
    white = whiten(vectors)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-5)
    cosines = white @ white.T - np.eye(400)
    assert cosines[0, 1] > np.quantile(cosines[0], 0.99)


def test_too_few_images_are_only_centred() -> None:
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=np.float32)
    white = whiten(vectors)
    assert white[1] @ white[2] == pytest.approx(1)
    assert white[0] @ white[1] == pytest.approx(-1)


def test_similar_pairs_are_found_across_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.data.duplicates.near_duplicates.ROWS_AT_ONCE", 2)
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], dtype=np.float32)
    assert list(find_similar(vectors, min_cosine=0.7)) == [(0, 3), (1, 2)]


def test_embeddings_come_in_the_order_of_the_files_and_are_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{name}.jpg" for name in "abc"]
    for seed, path in enumerate(paths):
        picture(seed).save(path)
    kept = tmp_path / "embeddings.npz"
    first = open_embeddings(paths[:2], ["a", "b"], kept, progress=False)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    every = open_embeddings(paths, ["a", "b", "c"], kept, progress=False)
    np.testing.assert_array_equal(every[:2], first)
    monkeypatch.setattr("ml.data.duplicates.embeddings.embed_images", None)
    np.testing.assert_array_equal(open_embeddings(paths[::-1], ["c", "b", "a"], kept, progress=False), every[::-1])


def test_a_kept_file_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.jpg", tmp_path / "embeddings.npz"
    picture(1).save(path)
    kept.write_bytes(b"PK\x03\x04")
    assert open_embeddings([path], ["a"], kept, progress=False).shape[0] == 1
