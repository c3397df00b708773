"""Destination of reports: published ones are overwritten only on request, and only with the project's data."""

from pathlib import Path

from ml.errors import UserError
from ml.pipelines.study.results import read_published_data


def check_destination(out: Path, published: Path, data_sha256: str, data: Path, *, publish: bool) -> None:
    """Raise ``UserError`` if a report must not be written to ``out``.

    That is if it would overwrite the data, or the ``published`` report without ``publish`` or with other data.
    """
    place = out.resolve()
    if place == data.resolve() or place.is_relative_to(data.resolve()):
        raise UserError(f"{out}: lies in the data; give another --out")
    if place != published.resolve():
        return
    if not publish:
        raise UserError(f"{out}: is what the project publishes; give another --out, or ask for it with --publish")
    if data_sha256 != read_published_data():
        raise UserError(f"{out}: is published of other data than {data}; give an --out of your own")
