"""How often something may be done, by name; ``skinsite.platform.rate_limits`` counts."""

import re
from typing import NamedTuple

from skinsite.settings.env import env, refuse

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}


class Rate(NamedTuple):
    """So many uses (``quota``) in so many ``seconds``."""

    quota: int
    seconds: int


def read_rate(name: str, default: str) -> Rate | None:
    """A rate such as ``120/minute`` from the environment; None without a limit.

    Raises ``ImproperlyConfigured`` for what is no rate.
    """
    rate = env.text(name, default).lower()
    if rate == "none":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", rate)
    if found is None:
        refuse(name, f"is {rate!r}; set a number per second, minute, hour or day, such as 120/minute, or none.")
    return Rate(int(found[1]), SECONDS[found[2]])


# Of one person and of one clinic, pages and API together; of one address, what is sent without being signed in.
RATE_LIMITS: dict[str, Rate | None] = {
    "uploads_person": read_rate("UPLOADS_RATE", "120/minute"),
    "uploads_clinic": read_rate("CLINIC_UPLOADS_RATE", "600/minute"),
    "reads_person": read_rate("READS_RATE", "600/minute"),
    "reads_clinic": read_rate("CLINIC_READS_RATE", "6000/minute"),
    "strangers": read_rate("STRANGERS_RATE", "300/minute"),
}
