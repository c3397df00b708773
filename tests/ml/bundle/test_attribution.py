"""A bundle's attribution names what is in it, and nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ml.bundle.attribution import ATTRIBUTION, CREDITS, MASK_DECODER, credit_contents, write_attribution
from ml.bundle.folder import Bundle, write_manifest
from ml.bundle.manifest import ATTRIBUTION_FILE, DETECTOR_FILE, SIMILAR_CASES_FILE

WORKS = {
    SIMILAR_CASES_FILE: ("CC BY-NC 4.0",),
    MASK_DECODER: ("10.1038/s41591-020-0942-0",),
    DETECTOR_FILE: ("PAD-UFES-20", "CC BY 4.0", "10.1016/j.dib.2020.106221", "BSDS500", "research use"),
}


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.path, tmp_path / "bundle"))


@pytest.mark.parametrize("name", WORKS)
def test_each_content_is_credited_where_it_is_there_and_only_there(name: str) -> None:
    (added,) = credit_contents(ATTRIBUTION, [name]).split(ATTRIBUTION)[1:]
    assert added == CREDITS[name]
    assert added.startswith("- ")
    assert all(work in added for work in WORKS[name])
    assert credit_contents(credit_contents(ATTRIBUTION, CREDITS), [name]) == ATTRIBUTION + added


def test_the_list_goes_on_and_no_line_is_too_long() -> None:
    text = credit_contents(ATTRIBUTION, CREDITS)
    assert "\n\n- Images" in text
    assert "\n\n" not in text.split("\n\n- Images")[1]
    assert max(len(line) for credit in CREDITS.values() for line in credit.splitlines()) <= 120


def test_what_a_bundle_holds_is_credited_in_its_file_and_its_manifest_and_twice_is_as_once(
    bundle: Bundle, copy: Path
) -> None:
    manifest = write_attribution(copy, replace(bundle.manifest, attribution=ATTRIBUTION))
    written = write_manifest(copy, write_attribution(copy, manifest))
    assert written.manifest.attribution == credit_contents(ATTRIBUTION, [SIMILAR_CASES_FILE, DETECTOR_FILE])
    assert (copy / ATTRIBUTION_FILE).read_text(encoding="utf-8") == written.manifest.attribution


def test_a_detector_that_is_gone_is_no_longer_credited_and_a_decoder_still_is(bundle: Bundle, copy: Path) -> None:
    files = {name: sha for name, sha in bundle.manifest.files.items() if name != DETECTOR_FILE}
    before = credit_contents(ATTRIBUTION, CREDITS)
    after = write_attribution(copy, replace(bundle.manifest, attribution=before, files=files, gate=None))
    assert after.attribution == credit_contents(ATTRIBUTION, [SIMILAR_CASES_FILE, MASK_DECODER])
