"""Whether the directories answer, as themselves, and by the same clock."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings
from django.utils import timezone

from skinsite.directory.configuration import SECONDS, WELL_KNOWN, require_its_own
from skinsite.directory.id_token import LEEWAY_SECONDS
from skinsite.directory.refusals import RefusalError
from skinsite.health import CheckResult, register_check
from skinsite.settings.directories import Directory


@register_check("directories", needed_for_ready=False)
def check_directories() -> CheckResult:
    """Every directory that people sign in by can be asked, is the one that was named, and has the right time."""
    if not settings.DIRECTORIES:
        return CheckResult(ok=True, detail="not used: people sign in with passwords")
    faults = [f"{each.name}: {fault}" for each in settings.DIRECTORIES if (fault := _fault(each))]
    remedy = "Start it, open the way to it, or correct its OIDC_…_URL; set both clocks by NTP."
    told = "; ".join(faults) or ", ".join(each.name for each in settings.DIRECTORIES)
    return CheckResult(ok=not faults, detail=told, remedy=remedy)


def _fault(directory: Directory) -> str:
    try:
        response = requests.get(directory.url + WELL_KNOWN, timeout=SECONDS)
        response.raise_for_status()
        require_its_own(directory, response.json())
        said = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else None
    except RefusalError as refused:
        return refused.detail
    except (requests.RequestException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return _clock_fault(said.replace(tzinfo=said.tzinfo or UTC)) if said else ""


def _clock_fault(said: datetime) -> str:
    seconds = (said - timezone.now()).total_seconds()
    if abs(seconds) <= LEEWAY_SECONDS:
        return ""
    return f"its clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
