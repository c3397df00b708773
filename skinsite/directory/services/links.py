"""Which of a directory's accounts is a person here."""

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from skinsite.accounts.models import User
from skinsite.directory import audit


def unlink_person(*, user: User) -> int:
    """Forget by which accounts of directories somebody came in; gives how many there were.

    Sessions under them end within a minute. Whoever next comes with the person's verified address is the person.
    """
    with transaction.atomic():
        accounts = SocialAccount.objects.filter(user=user)
        directories = sorted(accounts.values_list("provider", flat=True))
        if directories:
            accounts.delete()
            audit.directory_unlinked(about=user, directories=directories)
        return len(directories)
