"""Browsers for tests, which send what the site's pages carry."""

from django.test import Client

from skinsite.accounts.made_for import HEADER
from skinsite.accounts.models import Membership


def page_client(membership: Membership) -> Client:
    """A browser whose every request was made for this member's clinic, as those of the site's pages are."""
    return Client(headers={HEADER: str(membership.clinic.public_id)})


def sign_in_on_page(client: Client, membership: Membership) -> None:
    """Sign a member in; what the browser then sends was made for their clinic."""
    client.force_login(membership.user)
    client.defaults["HTTP_X_MADE_FOR"] = str(membership.clinic.public_id)
