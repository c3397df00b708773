"""Training of the network: ``python -m ml.training --help``. Needs ``requirements/ml.txt``, neither Django nor
albumentations."""

from collections.abc import Iterator
from contextlib import contextmanager

from ml.errors import UserError


@contextmanager
def needs_training_libraries() -> Iterator[None]:
    """Around imports of what needs torch: says in one line what to install where it is not there."""
    try:
        yield
    except ImportError as error:
        raise UserError(f"{error.name} is not installed; run: pip install -r requirements/ml.txt") from error
