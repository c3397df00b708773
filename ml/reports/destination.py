"""Where a report goes: what the project publishes is written over only when asked for, and with its own data."""

from pathlib import Path

from ml.errors import UserError
from ml.pipelines.study.results import read_published_data


def check_destination(out: Path, published: Path, data_sha256: str, data: Path, *, publish: bool) -> None:
    """Raise ``UserError`` where a report of these data must not be written to ``out``: over the data themselves, or
    over the ``published`` one unasked or of other data."""
    place = out.resolve()
    if place == data.resolve() or place.is_relative_to(data.resolve()):
        raise UserError(f"{out}: lies in the data; give another --out")
    if place != published.resolve():
        return
    if not publish:
        raise UserError(f"{out}: is what the project publishes; give another --out, or ask for it with --publish")
    if data_sha256 != read_published_data():
        raise UserError(f"{out}: is published of other data than {data}; give an --out of your own")
