"""Plain lines for the log: `key=value`, with no secret in them."""

import logging
import re
from datetime import UTC, datetime

# Tokens of the API, and the secrets of invitations and password links, which are part of an address.
SECRETS = (
    (re.compile(r"(?i)\b(token|bearer)\s+[a-z0-9._-]{8,}"), r"\1 [hidden]"),
    (re.compile(r"(/(?:invitations|set-password)/)[^\s\"'?]+"), r"\1[hidden]"),
    # What PostgreSQL tells of a row that breaks a rule: a patient's code among the rest.
    (re.compile(r"(Key \([^)]*\)+=)\(.*?\)(?= already| is)"), r"\1([hidden])"),
    (re.compile(r"(Failing row contains )\(.*\)"), r"\1([hidden])"),
    # What is searched for may be the code of a patient.
    (re.compile(r"(\?)[^\s\"']+"), r"\1[hidden]"),
)


def hide_secrets(text: str) -> str:
    """The text without tokens, secret links and query strings."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


class KeyValueFormatter(logging.Formatter):
    """One line per record, easy to read and to search; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with secrets hidden in the message and in the traceback alike."""
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        message = record.getMessage().replace("\n", " ").replace('"', "'")
        request_id = getattr(record, "request_id", "-")
        line = f'at={at} level={record.levelname.lower()} logger={record.name} request={request_id} message="{message}"'
        # A page that was refused or not found is an answer, not a fault of the code.
        if record.exc_info and getattr(record, "status_code", 500) >= 500:  # noqa: PLR2004 the server's own errors
            line += "\n" + self.formatException(record.exc_info)
        return hide_secrets(line)
