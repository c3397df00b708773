"""Sites of their own, on both databases."""

from pathlib import Path

import pytest

from tests.classifier.running.site import Site
from tests.servers import create_postgres_database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site in synchronous mode, on SQLite and on PostgreSQL; the tests of a module share it."""
    folder: Path = tmp_path_factory.mktemp("site")
    if request.param == "sqlite":
        return Site.create(folder, f"sqlite:///{folder / 'site.sqlite3'}")
    return Site.create(folder, create_postgres_database(request.getfixturevalue("postgres_server")))
