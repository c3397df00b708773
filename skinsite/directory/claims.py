"""What an id token's claims say of a person: whose address it is, and which roles its groups give."""

from collections.abc import Mapping
from typing import Any

from skinsite.accounts.models import plain_address
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.settings.directories import ROLES, Directory

Claims = Mapping[str, Any]
LONGEST_ADDRESS = 254


def read_address(directory: Directory, claims: Claims) -> str:
    """The person's address, in the one spelling.

    Raises ``RefusalError`` for one that the directory does not say is theirs, or outside of its domains.
    """
    claimed = claims.get("email")
    address = plain_address(claimed) if isinstance(claimed, str) else ""
    # A claim of AD FS is text, and Entra's `xms_edov` may be a number.
    if not address or str(claims.get(directory.verified_claim)).lower() not in ("true", "1"):
        raise RefusalError(Reason.UNVERIFIED, email=address)
    name, _, domain = address.rpartition("@")
    if not name or len(address) > LONGEST_ADDRESS or _to_ascii(domain) not in directory.domains:
        raise RefusalError(Reason.DOMAIN, email=address)
    return address


def read_roles(directory: Directory, claims: Claims) -> dict[str, str]:
    """For each clinic, by its short name, the strongest role that the person's groups give.

    Raises ``RefusalError`` where the directory has left the groups out because they are too many.
    """
    elsewhere, told = claims.get("_claim_names"), claims.get(directory.groups_claim)
    if directory.groups and isinstance(elsewhere, dict) and directory.groups_claim in elsewhere:
        raise RefusalError(Reason.GROUPS_LEFT_OUT)
    listed = told if isinstance(told, list) else [told]
    groups = {each for each in listed if isinstance(each, str)}
    mapped = [each for each in directory.groups if each.group in groups]
    return {each.clinic: each.role for each in sorted(mapped, key=lambda each: ROLES.index(each.role))}


def _to_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
