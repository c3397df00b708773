"""What workers do for accounts."""

from skinsite.accounts.services import notices
from skinsite.platform.tasks import task


@task
def send_notice(notice_id: int) -> None:
    """Send a mail to a person about their own account."""
    notices.send_notice(notice_id=notice_id)
