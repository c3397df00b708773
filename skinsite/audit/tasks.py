"""What workers do for the trail."""

from skinsite.audit import seals
from skinsite.platform.tasks import task


@task
def seal_events() -> None:
    """Chain what was recorded since: every half minute by beat."""
    seals.seal_events()
