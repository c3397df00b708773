"""What the audit trail tells of directories."""

from django.utils.translation import pgettext_lazy

from skinsite.accounts.actors import Actor
from skinsite.accounts.audit import Client
from skinsite.accounts.models import Clinic, User
from skinsite.audit.events import Entry, access, change, refusal
from skinsite.audit.words import DETAILS
from skinsite.directory.refusals import Reason
from skinsite.settings.directories import Directory

DETAILS |= {
    "directory": pgettext_lazy("a detail of an event", "directory"),
    "reason": pgettext_lazy("a detail of an event", "reason"),
    "address": pgettext_lazy("a detail of an event", "address in the network"),
    "browser": pgettext_lazy("a detail of an event", "browser"),
}


@access("user.signed_in_by_directory", pgettext_lazy("what was done", "signed in by a directory"), of=User)
def signed_in_by_directory(*, about: User, clinic: Clinic | None, directory: Directory, client: Client) -> Entry:
    """A directory has vouched for a person, who is let in."""
    return Entry(about, about, {"directory": directory.name, **client}, clinic=clinic)


@refusal("user.directory_refused", pgettext_lazy("what was done", "signing in by a directory refused"), of=User)
def directory_refused(
    *,
    about: User | None,
    clinic: Clinic | None,
    directory: Directory,
    reason: Reason,
    email: str,
    client: Client,
) -> Entry:
    """A sign-in by a directory came to nothing; ``email`` is what an answer claimed that had passed the checks."""
    details = {"directory": directory.name, "reason": reason.value, "email": email, **client}
    return Entry(None, about, details, clinic=clinic)


@change("user.directory_access_ended", pgettext_lazy("what was done", "no longer vouched for by a directory"), of=User)
def directory_access_ended(*, about: User, clinic: Clinic | None, directory: Directory, api_tokens_ended: int) -> Entry:
    """The directory refused to renew its word: sessions and API tokens under it ended."""
    return Entry(None, about, {"directory": directory.name, "api_tokens_ended": api_tokens_ended}, clinic=clinic)


@change("user.directory_unlinked", pgettext_lazy("what was done", "account of a directory forgotten"), of=User)
def directory_unlinked(*, about: User, directories: list[str]) -> Entry:
    """The next account of the directory with the person's verified address will be theirs."""
    return Entry(None, about, {"directory": directories})


@change("clinic.passwords_refused", pgettext_lazy("what was done", "passwords switched off"), of=Clinic)
def clinic_passwords_refused(*, actor: Actor, about: Clinic) -> Entry:
    """From now on the clinic's people sign in by a directory alone."""
    return Entry(actor, about)


@change("clinic.passwords_allowed", pgettext_lazy("what was done", "passwords allowed again"), of=Clinic)
def clinic_passwords_allowed(*, actor: Actor, about: Clinic) -> Entry:
    """The clinic's people may sign in with a password again."""
    return Entry(actor, about)
