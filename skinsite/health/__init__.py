"""Whether the service can work: the checks behind `/health/ready/` and `doctor`."""

from skinsite.health.registry import CheckResult, register_check, run_check, run_checks

__all__ = ["CheckResult", "register_check", "run_check", "run_checks"]
