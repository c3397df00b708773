"""Where the software lies, and where it keeps what it writes unless told otherwise."""

from pathlib import Path

from skinsite.settings.env import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = env.path("SKINSITE_VAR", BASE_DIR / "var")
