"""The log: plain lines that tell no secret."""

import logging
import sys

import pytest

from skinsite.platform.logs import KeyValueFormatter, hide_secrets


def line(message: str, *arguments: object, error: bool = False) -> str:
    record = logging.LogRecord("skinsite.test", logging.WARNING, __file__, 1, message, arguments, None)
    record.request_id = "abc"
    if error:
        record.exc_info = sys.exc_info()
    return KeyValueFormatter().format(record)


def test_a_line_names_time_level_logger_and_request() -> None:
    written = line("Queued %s", 7)
    assert written.startswith("at=20")
    assert written.endswith(' level=warning logger=skinsite.test request=abc message="Queued 7"')


def test_a_message_stays_on_its_line() -> None:
    assert "\n" not in line("first\nat=forged level=info")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Token 9f8e7d6c5b4a39281706", "9f8e7d6c5b4a39281706"),
        ("GET /invitations/Zx9-secret_part/ 404", "Zx9-secret_part"),
        ("GET /set-password/MQ/abc123-d4e5/ 200", "abc123-d4e5"),
        ("GET /history/?search=P-00042 200", "P-00042"),
        ("Key (clinic_id, lower(code::text))=(1, p-00042) already exists.", "p-00042"),
        ("DETAIL:  Failing row contains (1, P-00042, female, null).", "P-00042"),
    ],
)
def test_secrets_and_patients_are_hidden(text: str, hidden: str) -> None:
    assert hidden not in hide_secrets(text)
    assert hidden not in line(text)
    assert "[hidden]" in hide_secrets(text)


def test_a_traceback_is_kept_and_its_secrets_are_not() -> None:
    try:
        raise LookupError("GET /invitations/very-secret-part/ failed")
    except LookupError:
        written = line("Failed", error=True)
    assert "LookupError" in written
    assert "very-secret-part" not in written


def test_ordinary_text_is_left_alone() -> None:
    assert hide_secrets("Read 3 of 5 photographs in 0.2 s") == "Read 3 of 5 photographs in 0.2 s"
