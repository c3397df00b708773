"""Files that a service stands on and that are made outside of it: collected static files, and a private database."""

import os
import stat
from filecmp import cmp
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage

from skinsite.health.registry import CheckResult, register_check

COLLECT = "Run `python manage.py collectstatic --noinput` with this STATIC_ROOT, then start the web processes again."
CLOSE = "Run `python manage.py migrate` as the account that the service runs under: it closes the file to others."


def static_fault() -> str:
    """What is wrong with the static files that this process serves, without which no page can be shown; or nothing.

    Where names carry no hash, as in development, files come from where they are written, and nothing is collected.
    """
    try:
        collected = _collected()
    except (OSError, ValueError) as error:
        return f"the manifest of static files in {settings.STATIC_ROOT} cannot be read ({error})"
    if collected is None:
        return ""
    if not collected:
        return f"static files have not been collected in {settings.STATIC_ROOT}"
    unreadable = [name for name in collected.values() if not os.access(settings.STATIC_ROOT / name, os.R_OK)]
    return f"{_some(unreadable)} cannot be read" if unreadable else ""


def static_age_fault() -> str:
    """Which static files are of another version than the code; for a process that has just begun, as a command is."""
    collected = _collected()
    if not collected:
        return ""
    outdated = [name for name, source in _sources().items() if _is_outdated(name, source, collected)]
    return f"{_some(outdated)} are missing or older than the code" if outdated else ""


def database_fault() -> str:
    """Which other accounts of the machine can read a database that is a file; empty if none can."""
    name = Path(str(settings.DATABASES["default"]["NAME"]))
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") or not name.is_file():
        return ""
    # Whoever may pass through the folder (x) and read the file (r) can open it by its name, without seeing the folder.
    passes = (name.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)) << 2
    if name.stat().st_mode & passes & (stat.S_IRGRP | stat.S_IROTH):
        return f"other accounts of this machine can read {name}, which holds patients' records and sessions"
    return ""


def close_database(using: str, **_signal: object) -> None:
    """Keep a database that is a file from other accounts: SQLite makes it as open as the umask lets it."""
    from django.db import connections  # noqa: PLC0415 apps are ready only now

    described = connections[using].settings_dict
    if connections[using].vendor != "sqlite":
        return
    for suffix in ("", "-wal", "-shm"):
        path = Path(f"{described['NAME']}{suffix}")
        if path.is_file() and path.stat().st_uid == os.geteuid():
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)


@register_check("static_files")
def check_static_files() -> CheckResult:
    """Static files are collected and readable."""
    return _result(static_fault(), COLLECT)


@register_check("static_version", needed_for_ready=False, needs="static_files")
def check_static_version() -> CheckResult:
    """Static files are those of this code: after an upgrade a page may ask for one that was not there before."""
    return _result(static_age_fault(), COLLECT)


@register_check("private", needed_for_ready=False)
def check_private() -> CheckResult:
    """A database that is a file is closed to other accounts of the machine."""
    return _result(database_fault(), CLOSE)


def _result(fault: str, remedy: str) -> CheckResult:
    return CheckResult(ok=not fault, detail=fault, remedy=remedy if fault else "")


def _some(names: list[str]) -> str:
    return f"{len(names)} static files in {settings.STATIC_ROOT} (such as {names[0]})"


def _collected() -> dict[str, str] | None:
    """Names with a hash by names without, as this process has loaded them; None where names carry none."""
    # Storages with a manifest alone have this.
    names: dict[str, str] | None = getattr(staticfiles_storage, "hashed_files", None)
    return names


def _sources() -> dict[str, Path]:
    """Where each static file comes from; of two with one name the first counts, as when they are collected."""
    found: dict[str, Path] = {}
    for finder in get_finders():
        for name, storage in finder.list(["CVS", ".*", "*~"]):
            found.setdefault(f"{getattr(storage, 'prefix', None) or ''}{name}", Path(storage.path(name)))
    return found


def _is_outdated(name: str, source: Path, collected: dict[str, str]) -> bool:
    """Whether a file is not the one that was collected; contents are compared only where the times leave a doubt."""
    copy = settings.STATIC_ROOT / name
    if name not in collected or not copy.is_file():
        return True
    return source.stat().st_mtime > copy.stat().st_mtime and not cmp(source, copy, shallow=False)
