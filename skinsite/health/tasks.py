"""What a clock sends, so that its life can be told."""

from skinsite.health.models import CLOCK, note_heartbeat
from skinsite.platform.tasks import task


@task
def note_clock() -> None:
    """Note that a clock sends and a worker takes."""
    note_heartbeat(CLOCK)
