"""Where this machine's own site answers, noted for the commands that print links."""

from django.conf import settings

NOTE = "address"


def note_address(address: str) -> None:
    """Keep the address that the site has been started at."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    (settings.VAR_DIR / NOTE).write_text(f"{address}\n", encoding="utf-8")


def noted_address() -> str | None:
    """The address of the last start, if there was one."""
    try:
        return (settings.VAR_DIR / NOTE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
