"""``prepare_data`` and ``python -m ml.data.prepare``: thin, one line for bad input, fetching where asked."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ml.data.isic import read_isic
from ml.data.prepare.__main__ import main
from tests.classifier.management.test_training_commands import manage_without_torch
from tests.ml.data.prepare import ham10000
from tests.ml.data.prepare.file_server import serve_files


def test_help_needs_no_training_libraries() -> None:
    result = manage_without_torch("prepare_data", "--help")
    assert result.returncode == 0, result.stderr
    assert "--keep-going" in result.stdout


def test_the_command_downloads_and_prepares(tmp_path: Path) -> None:
    official = ham10000.write_official_zips(tmp_path / "official")
    files = {path.name: path.read_bytes() for path in official.iterdir()}
    out = StringIO()
    with serve_files(files) as server:
        call_command(
            "prepare_data",
            source=tmp_path / "downloads",
            out=tmp_path / "out",
            download=True,
            address=server.address,
            no_embeddings=True,
            stdout=out,
        )
    assert len(read_isic(tmp_path / "out").records) == 8
    assert "8 images of 4 lesions" in out.getvalue()
    assert "classes: MEL 2, NV 2, BCC 2, AKIEC 2, BKL 0, DF 0, VASC 0" in out.getvalue()


def test_bad_input_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no such directory") as caught:
        call_command("prepare_data", source=tmp_path / "none", out=tmp_path / "out")
    assert caught.value.returncode == 2
    assert main(["--source", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [("min_cosine", 1.5, "--min-cosine is 1.5"), ("threads", 0, "--threads is 0"), ("out", ".", "the source itself")],
)
def test_options_that_cannot_be_are_named(option: str, value: object, problem: str) -> None:
    options = {"source": Path(), "out": Path("out"), option: Path(value) if isinstance(value, str) else value}
    with pytest.raises(CommandError, match=problem) as caught:
        call_command("prepare_data", **options)
    assert caught.value.returncode == 2
