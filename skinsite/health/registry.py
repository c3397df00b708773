"""The registry of checks; apps add theirs in ``AppConfig.ready()``."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from skinsite.health.limits import run_in_time

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """What a check found. ``detail`` and ``remedy`` are for those who run the service, not for strangers."""

    ok: bool
    detail: str = ""
    remedy: str = ""


Check = Callable[[], CheckResult]


@dataclass(frozen=True)
class _Registered:
    check: Check
    needed_for_ready: bool
    needs: str | None
    remedy: str


_checks: dict[str, _Registered] = {}


def register_check(
    name: str, *, needed_for_ready: bool = True, needs: str | None = None, remedy: str = ""
) -> Callable[[Check], Check]:
    """Register a check under a name.

    With ``needed_for_ready`` off, `doctor` runs it, but the service takes requests without it. It is not run when the
    check ``needs``, registered before it, has failed. ``remedy`` is told when the check raises.
    """

    def register(check: Check) -> Check:
        _checks[name] = _Registered(check, needed_for_ready, needs, remedy)
        return check

    return register


def run_checks(*, only_ready: bool = False) -> dict[str, CheckResult]:
    """Run the checks, in the order of their registration; one that raises has failed."""
    results: dict[str, CheckResult] = {}
    for name, registered in _checks.items():
        before = results.get(registered.needs or "")
        if only_ready and not registered.needed_for_ready:
            continue
        if before is not None and not before.ok:
            remedy = f"Mend {registered.needs} first."
            results[name] = CheckResult(ok=False, detail=f"not run: {registered.needs} has failed", remedy=remedy)
        else:
            results[name] = run_check(name, registered.check)
    return results


def run_check(name: str, check: Check) -> CheckResult:
    """Run one check; what it raises is told in one line, with the remedy that it was registered with."""
    registered = _checks.get(name)
    try:
        # Whoever asks whether the service is ready does not wait for long, whatever the check waits for.
        return run_in_time(name, check) if registered and registered.needed_for_ready else check()
    except Exception as error:  # noqa: BLE001 whatever it is, it is the finding
        logger.warning("Health check %s raised %s", name, type(error).__name__)
        return CheckResult(
            ok=False,
            detail=f"{type(error).__name__}: {' '.join(str(error).split())}",
            remedy=(registered and registered.remedy) or "See the message; check the settings of this part.",
        )
