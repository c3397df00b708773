"""What a directory gives for a code or for a refresh token."""

from http import HTTPStatus
from typing import Any

import requests

from skinsite.directory.configuration import SECONDS, describe
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.settings.directories import Directory

# What RFC 6749 (5.2) calls a code or a refresh token that is used up, revoked, or of somebody who is no more.
REFUSED_GRANT = "invalid_grant"


class GrantRefusalError(RefusalError):
    """The directory knows this site and refuses the code or the refresh token."""


def ask_for_tokens(directory: Directory, **request: str) -> dict[str, Any]:
    """What the token endpoint gives for these parameters.

    Raises ``GrantRefusalError`` where the directory says no to the code or the token itself. Raises ``RefusalError``
    for every other answer, and for none: that is no word about the person.
    """
    described = describe(directory)
    methods = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    data, auth = dict(request), None
    if "client_secret_post" in methods:  # a client id may hold a colon, which the other way cannot carry
        data |= {"client_id": directory.client_id, "client_secret": directory.client_secret}
    else:
        auth = (directory.client_id, directory.client_secret)
    try:
        response = requests.post(
            described["token_endpoint"], data=data, auth=auth, timeout=SECONDS, allow_redirects=False
        )
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise RefusalError(Reason.UNREACHABLE, str(error)) from error
    if isinstance(answer, dict) and answer.get("error") == REFUSED_GRANT:
        raise GrantRefusalError(Reason.ANSWER, str(answer.get("error_description", "")))
    if not isinstance(answer, dict) or response.status_code != HTTPStatus.OK or "access_token" not in answer:
        fault = answer.get("error") if isinstance(answer, dict) else None
        raise RefusalError(Reason.ANSWER, f"{response.status_code} {fault or ''}")
    return answer
