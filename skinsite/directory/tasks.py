"""What the clock has done for directories."""

from skinsite.directory.services.grants import renew_due_grants
from skinsite.platform.tasks import task


@task
def renew_grants() -> None:
    """Ask the directories again for everybody whose hour is half over."""
    renew_due_grants()
