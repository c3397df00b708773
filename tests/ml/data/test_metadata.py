"""Age, sex and site as numbers."""

from pathlib import Path

import numpy as np

from ml.data.isic import Record, read_isic
from ml.data.metadata import SEXES, SITES, encode_metadata

ALL = ("age", "sex", "site")


def make(age: float | None = None, sex: str | None = None, site: str | None = None) -> Record:
    return Record("ISIC_0000000", Path("x.jpg"), 0, age=age, sex=sex, site=site)


def test_a_known_value_says_so_and_which() -> None:
    age, sex = (
        encode_metadata([make(age=55, sex="male")], ["age", "sex"])[0][:2],
        encode_metadata([make(sex="male")], ["sex"])[0],
    )
    np.testing.assert_allclose(age, [1, 0.55])
    np.testing.assert_array_equal(sex, [1, 0, 1])


def test_a_missing_value_is_all_zeros_and_newborns_are_not_missing() -> None:
    np.testing.assert_array_equal(encode_metadata([make()], ALL), np.zeros((1, 2 + 3 + 15)))
    np.testing.assert_array_equal(encode_metadata([make(age=0)], ["age"]), [[1, 0]])


def test_a_network_without_metadata_is_given_none() -> None:
    assert encode_metadata([make(age=3), make()], []).shape == (2, 0)


def test_every_sex_and_site_of_the_data_set_is_known(data_dir: Path) -> None:
    records = read_isic(data_dir / "isic2018_task3").records
    assert {record.sex for record in records} == {None, *SEXES}
    assert {record.site for record in records} == {None, *SITES}
