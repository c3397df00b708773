"""The service measures itself under gunicorn with production settings."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def test_it_uploads_by_the_api_and_tells_rate_and_memory() -> None:
    out = StringIO()

    call_command("bench_service", "--uploads", "3", "--workers", "1", stdout=out)

    told = out.getvalue()
    assert re.search(r"1 process, 1 client: [\d.]+ uploads a second, median \d+ ms, p95 \d+ ms", told), told
    resident = re.search(r"resident after 3 readings: (\d+) MB", told)
    assert resident, told
    assert 50 < int(resident[1]) < 350
    assert re.search(r"peak at 12 megapixels: \d+ MB", told), told
    assert re.search(r"peak at 50 megapixels: \d+ MB", told), told


def test_it_names_a_number_that_is_too_small() -> None:
    with pytest.raises(CommandError, match="--uploads is 1"):
        call_command("bench_service", "--uploads", "1")
