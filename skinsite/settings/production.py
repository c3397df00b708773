"""For a server: nothing is guessed, and it does not start without what it needs."""

from skinsite.settings.base import *  # noqa: F403 settings are layered
from skinsite.settings.databases import describe_database
from skinsite.settings.env import env, refuse
from skinsite.settings.storages import describe_storages

# What guessing a key must take; Django's own check for deployment asks for the same.
SECRET_LENGTH = 50
SECRET_LETTERS = 10
PRELOAD_SECONDS = 365 * 24 * 3600

SECRET_KEY = env.required("SECRET_KEY", "Set 50 or more random characters, or SECRET_KEY_FILE to a file with them.")
if len(SECRET_KEY) < SECRET_LENGTH or len(set(SECRET_KEY)) < SECRET_LETTERS:
    refuse(
        "SECRET_KEY", f"is weak. Set {SECRET_LENGTH} or more random characters, or SECRET_KEY_FILE to a file with them."
    )
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS")
if not ALLOWED_HOSTS:
    env.missing("ALLOWED_HOSTS", "Set the names of the site, with commas between them: ALLOWED_HOSTS=skin.example.org")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", schemes=("https",))
env.required("DATABASE_URL", "Set postgresql://USER:PASSWORD@HOST/NAME, or sqlite:///PATH for a single machine.")
DATABASES = {"default": describe_database(env.database("DATABASE_URL"))}
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")

STORAGES = describe_storages(hashed_static=True)

# Everything goes by HTTPS. A proxy that ends it says so in this header, and must set it for every request.
if env.switch("BEHIND_PROXY", default=True):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 365 * 24 * 3600, minimum=3600, maximum=10 * 365 * 24 * 3600)
# Both bind names that this site does not answer for, and a browser's list keeps the second for months: asked for only.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.switch("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.switch("HSTS_PRELOAD", default=False)
if SECURE_HSTS_PRELOAD and not (SECURE_HSTS_INCLUDE_SUBDOMAINS and SECURE_HSTS_SECONDS >= PRELOAD_SECONDS):
    refuse(
        "HSTS_PRELOAD", f"needs HSTS_SUBDOMAINS=1 and HSTS_SECONDS of {PRELOAD_SECONDS} or more; browsers ask for both."
    )
# Django's hints to switch these two on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
KNOWN_BROWSER_COOKIE = "__Host-known-browser"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"
LANGUAGE_COOKIE_SECURE = True
