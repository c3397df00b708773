"""System checks of the domain: settings that must never start."""

import pytest
from pytest_django import Settings

from classifier.checks import check_trusted_bundles


@pytest.mark.parametrize(
    ("trusted", "errors"), [(["0f" * 32], []), (["0f" * 31], ["skinsite.E022"]), (["*"], ["skinsite.E022"])]
)
def test_trusted_bundles_are_hashes(settings: Settings, trusted: list[str], errors: list[str]) -> None:
    settings.TRUSTED_BUNDLES = trusted
    assert [message.id for message in check_trusted_bundles()] == errors
