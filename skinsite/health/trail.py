"""Whether the audit trail is sealed, and as it was written since the last time."""

from skinsite.audit.verification import count_unsealed, verify_trail
from skinsite.health.registry import CheckResult, register_check

# What `doctor` looks at in one go, of what has come since the last time.
MOST_EVENTS = 20_000


# What is broken stays broken: turning requests away would mend nothing.
@register_check("trail", needed_for_ready=False, needs="database")
def check_trail() -> CheckResult:
    """Events are sealed, and the seals written since the last time are right."""
    verdict = verify_trail(since_checkpoint=True, most=MOST_EVENTS)
    if verdict.broken:
        remedy = (
            "Keep the database and its backups as they are, and find out who wrote to it; `verify_trail` tells more."
        )
        return CheckResult(ok=False, detail=verdict.broken, remedy=remedy)
    if waiting := count_unsealed(newest=MOST_EVENTS):
        remedy = "Run `python manage.py housekeep`; in Celery mode see that a worker and the clock run."
        return CheckResult(
            ok=False, detail=f"{waiting} events of the day before or earlier are in no chain", remedy=remedy
        )
    return CheckResult(ok=True, detail=f"{verdict.checked} events since the last time")
