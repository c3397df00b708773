"""Make a key for the API."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from skinsite.accounts.models import Membership, Scope, plain_address
from skinsite.accounts.tokens import LONGEST_DAYS, USUAL_DAYS, create_token
from skinsite.commands import BAD_INPUT, OneLineCommand


class Command(OneLineCommand):
    """Prints a new key alone on its last line; it is shown this once."""

    help = "Make an API token for a member of a clinic. It is printed alone on the last line, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """E-mail address, clinic, name, scope, lifetime."""
        parser.add_argument("email", help="the member's e-mail address")
        parser.add_argument("--clinic", metavar="SLUG", help="the clinic's short name; needed with several memberships")
        parser.add_argument("--name", default="manage.py", help="what the program is called, for the lists of tokens")
        parser.add_argument(
            "--scope",
            choices=Scope.values,
            default=Scope.READ,
            help="what it may do: read, upload (send photographs and get the answers) or write (both); default read",
        )
        help_text = f"lifetime in days, at most {LONGEST_DAYS} (default {USUAL_DAYS})"
        parser.add_argument("--days", type=int, default=USUAL_DAYS, help=help_text)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make and print it."""
        days = options["days"]
        if not 1 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days is {days}; give 1 to {LONGEST_DAYS}.", returncode=BAD_INPUT)
        membership = _find_membership(options["email"], options["clinic"])
        token, key = create_token(membership=membership, name=options["name"], scope=options["scope"], days=days)
        who = f"{membership.user.email} in {membership.clinic.slug}"
        self.stdout.write(f"Acts for {who} for {days} days, with the scope {token.scope}. Keep it safe:")
        self.stdout.write(key)


def _find_membership(email: str, slug: str | None) -> Membership:
    """The one active membership that is meant."""
    memberships = list(
        Membership.objects.active()
        .filter(user__email=plain_address(email))
        .select_related("user", "clinic")
        .order_by("clinic__slug")
    )
    if not memberships:
        raise CommandError(
            f"{email} is no active member of any clinic; check the address, or invite that person first.",
            returncode=BAD_INPUT,
        )
    slugs = ", ".join(one.clinic.slug for one in memberships)
    if slug is None:
        if len(memberships) > 1:
            raise CommandError(
                f"{email} works in several clinics; add --clinic with one of: {slugs}.", returncode=BAD_INPUT
            )
        return memberships[0]
    for one in memberships:
        if one.clinic.slug == slug:
            return one
    raise CommandError(f"{email} is no active member of {slug!r}; --clinic may be: {slugs}.", returncode=BAD_INPUT)
