"""What every test may ask for: the actors, the data set, real servers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from skinsite.accounts.models import Membership, Role
from tests import factories

pytest_plugins = ["tests.servers", "tests.triggers"]

# One image library asks the network for its newest version when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
# The browser driver runs an event loop in the test's thread; Django would take that for an asynchronous view.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Networks and pictures are tiny: several threads, beside another worker's, would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

DATA_VARIABLE = "SKINSITE_DATA"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need the data sets where there are none, and say so at the end."""
    if os.environ.get(DATA_VARIABLE):
        return
    needing = [item for item in items if "data_dir" in getattr(item, "fixturenames", ())]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
        config.stash[_LEFT_OUT] = [item.nodeid for item in needing]


_LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests left out for want of data."""
    left_out = config.stash.get(_LEFT_OUT, [])
    if left_out:
        terminalreporter.section(f"left out, since {DATA_VARIABLE} names no folder of data sets")
        for name in left_out:
            terminalreporter.line(name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of data sets (``isic2018_task3/`` and others), named by SKINSITE_DATA."""
    directory = Path(os.environ[DATA_VARIABLE])
    assert (directory / "isic2018_task3").is_dir(), f"{DATA_VARIABLE}={directory} has no isic2018_task3/"
    return directory


@pytest.fixture(autouse=True)
def _language_of_its_own() -> Iterator[None]:
    """A request leaves its language behind in the thread; the next test starts without."""
    yield
    translation.deactivate()


@pytest.fixture
def owner(db: None) -> Membership:
    """The clinician whose patients a test is about."""
    return factories.MembershipFactory.create(role=Role.CLINICIAN)


@pytest.fixture
def colleague(owner: Membership) -> Membership:
    """Another clinician of the same clinic."""
    return factories.MembershipFactory.create(clinic=owner.clinic, role=Role.CLINICIAN)


@pytest.fixture
def reviewer(owner: Membership) -> Membership:
    """A reviewer of the same clinic."""
    return factories.MembershipFactory.create(clinic=owner.clinic, role=Role.REVIEWER)


@pytest.fixture
def administrator(owner: Membership) -> Membership:
    """The administrator of the same clinic."""
    return factories.MembershipFactory.create(clinic=owner.clinic, role=Role.ADMINISTRATOR)


@pytest.fixture
def stranger(db: None) -> Membership:
    """An administrator of another clinic, who must see nothing."""
    return factories.MembershipFactory.create(role=Role.ADMINISTRATOR)
