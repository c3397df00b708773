"""The registry of checks; apps add theirs in ``AppConfig.ready()``."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """What a check found. ``detail`` and ``remedy`` are for those who run the service, not for strangers."""

    ok: bool
    detail: str = ""
    remedy: str = ""


Check = Callable[[], CheckResult]
_checks: dict[str, tuple[Check, bool]] = {}


def register_check(name: str, *, needed_for_ready: bool = True) -> Callable[[Check], Check]:
    """Register a check under a name.

    With ``needed_for_ready`` off, `doctor` runs it, but the service takes requests without it.
    """

    def register(check: Check) -> Check:
        _checks[name] = (check, needed_for_ready)
        return check

    return register


def run_checks(*, only_ready: bool = False) -> dict[str, CheckResult]:
    """Run the checks, in the order of their registration; one that raises has failed."""
    return {name: _run(name, check) for name, (check, needed) in _checks.items() if needed or not only_ready}


def _run(name: str, check: Check) -> CheckResult:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 whatever it is, it is the finding
        logger.warning("Health check %s raised %s", name, type(error).__name__)
        return CheckResult(
            ok=False,
            detail=f"{type(error).__name__}: {error}",
            remedy="See the message; check the settings of this part.",
        )
