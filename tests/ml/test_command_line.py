"""What every command answers to bad input and to Ctrl-C."""

import pytest

from ml.command_line import command
from ml.errors import UserError


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
