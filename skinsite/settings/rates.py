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


# What a try waits for, in seconds, at an account that gets ever more wrong passwords from everywhere.
PAUSES = (1, 2, 4, 8, 16, 32, 60)

RATE_LIMITS: dict[str, Rate | None] = {
    # Of one person and of one clinic, pages and API together; of one address, what is sent without being signed in.
    "uploads_person": read_rate("UPLOADS_RATE", "120/minute"),
    "uploads_clinic": read_rate("CLINIC_UPLOADS_RATE", "600/minute"),
    "reads_person": read_rate("READS_RATE", "600/minute"),
    "reads_clinic": read_rate("CLINIC_READS_RATE", "6000/minute"),
    "strangers": read_rate("STRANGERS_RATE", "300/minute"),
    # Wrong passwords and codes: see skinsite.accounts.lockout and second_factor.
    "sign_in": Rate(
        env.number("SIGN_IN_ATTEMPTS", 5, minimum=2, maximum=1000),
        env.number("SIGN_IN_LOCK_MINUTES", 15, minimum=1, maximum=365 * 24 * 60) * 60,
    ),
    "sign_in_account": Rate(1_000_000, SECONDS["hour"]),
    "sign_in_address": read_rate("SIGN_IN_ADDRESS_RATE", "50/hour"),
    # Tokens that give no access, of one address.
    "wrong_tokens": read_rate("WRONG_TOKENS_RATE", "100/hour"),
    "sign_in_unknown": Rate(1_000_000_000, SECONDS["minute"]),
    "refused_often": Rate(1_000_000_000, SECONDS["minute"]),
    "own_password": Rate(10, SECONDS["hour"]),
    "second_factor": Rate(6, 15 * SECONDS["minute"]),
    # What is set up in a session tells nothing of who signs in, and has a count of its own.
    "second_factor_new": Rate(20, 15 * SECONDS["minute"]),
    "code_used": Rate(1, 5 * SECONDS["minute"]),
    **{f"sign_in_pause_{seconds}": Rate(1, seconds) for seconds in PAUSES},
}
