"""The service measures itself under gunicorn with production settings."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_it_uploads_by_the_api_and_tells_costs_rate_and_memory(tmp_path: Path) -> None:
    out = StringIO()

    call_command(
        "bench_service", "--uploads", "3", "--workers", "1", "--json", str(tmp_path / "bench.json"), stdout=out
    )

    told = out.getvalue()
    kept = json.loads((tmp_path / "bench.json").read_text())
    for costs in kept["one_upload"].values():
        assert costs["storage writes"] == costs["encodes"] == 2  # the photograph and its thumbnail
        assert costs["CPU, ms"] > costs["predictor, ms"] > costs["thumbnail, ms"] > 0
        assert costs["CPU, ms"] > costs["decode, ms"] + costs["encode, ms"] > 0
    assert re.search(r"\| write transactions \| \d \| \d \|", told), told
    assert re.search(r"1 process, 1 client: [\d.]+ uploads a second, median \d+ ms, p95 \d+ ms", told), told
    resident = re.search(r"resident after 3 readings: (\d+) MB", told)
    assert resident, told
    assert 50 < int(resident[1]) < 350
    assert re.search(r"peak at 12 megapixels: \d+ MB", told), told
    assert re.search(r"peak at 50 megapixels: \d+ MB", told), told


def test_it_names_a_number_that_is_too_small() -> None:
    with pytest.raises(CommandError, match="--uploads is 1"):
        call_command("bench_service", "--uploads", "1")
