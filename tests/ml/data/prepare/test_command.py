"""``python -m ml prepare``: one line for bad input, fetching where asked."""

from pathlib import Path

import pytest

from ml.__main__ import main
from ml.data.isic import read_isic
from tests.ml.data.prepare import ham10000
from tests.ml.data.prepare.file_server import serve_files


def test_the_command_downloads_and_prepares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    official = ham10000.write_official_zips(tmp_path / "official")
    files = {path.name: path.read_bytes() for path in official.iterdir()}
    arguments = ["--source", str(tmp_path / "downloads"), "--out", str(tmp_path / "out"), "--no-embeddings"]
    with serve_files(files) as server:
        assert main(["prepare", *arguments, "--download", "--address", server.address]) == 0
    assert len(read_isic(tmp_path / "out").records) == 8
    out = capsys.readouterr().out
    assert "8 images of 4 lesions" in out
    assert "classes: MEL 2, NV 2, BCC 2, AKIEC 2, BKL 0, DF 0, VASC 0" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--min-cosine", "1.5"], "--min-cosine is 1.5"),
        (["--threads", "0"], "--threads is 0"),
        (["--out", "."], "the source itself"),
        (["--source", "nowhere"], "no such directory"),
    ],
)
def test_options_that_cannot_be_are_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert main(["prepare", "--source", ".", "--out", "out", *arguments]) == 2
    told = capsys.readouterr().err
    assert problem in told
    assert told.count("\n") == 1
