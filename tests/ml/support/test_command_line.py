"""What every command answers to bad input and to Ctrl-C."""

import subprocess
import sys
from pathlib import Path

import pytest

from ml.errors import UserError
from ml.support.command_line import command


def test_what_a_command_returns_is_its_exit_code() -> None:
    @command()
    def main(code: int) -> int:
        return code

    assert [main(0), main(1)] == [0, 1]


def test_bad_input_is_one_line_and_the_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    @command()
    def main() -> int:
        raise UserError("data.csv: is not there; give another")

    assert main() == 2
    assert capsys.readouterr().err == "error: data.csv: is not there; give another\n"


def test_after_an_interrupt_a_command_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    @command(when_stopped="Stopped. Go on.")
    def main() -> int:
        raise KeyboardInterrupt

    assert main() == 130
    assert capsys.readouterr().err == "Stopped. Go on.\n"


def test_an_interrupt_stays_one_where_nothing_can_be_gone_on_with() -> None:
    @command()
    def main() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        main()


def test_a_full_disk_is_one_line_and_the_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    @command()
    def main() -> int:
        Path("/dev/full").write_text("something", encoding="utf-8")
        return 0

    assert main() == 2
    assert capsys.readouterr().err.startswith("error: a file: No space left on device; make room")


def test_a_file_that_went_away_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    @command()
    def main() -> int:
        return len(Path("/nowhere/image.jpg").read_bytes())

    assert main() == 2
    assert capsys.readouterr().err.startswith("error: /nowhere/image.jpg: No such file or directory; ")


def test_an_error_that_is_not_about_a_file_stays_one() -> None:
    @command()
    def main() -> int:
        raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(ConnectionResetError):
        main()


@pytest.mark.parametrize("encoding", ["utf-8:strict", "latin-1:strict", "ascii"])
def test_a_name_that_cannot_be_printed_is_escaped(encoding: str) -> None:
    told = "from ml.support.command_line import command; import os\n"
    told += "@command()\ndef main(): print(os.fsdecode(b'\\x84\\xa0'), '\u043b'); print('after'); return 0\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", told], env={"PYTHONIOENCODING": encoding}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(b"\\udc84")
    assert done.stdout.splitlines()[1] == b"after"
