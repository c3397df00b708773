"""For a server: nothing is guessed, and it does not start without what it needs."""

from skinsite.settings.base import *  # noqa: F403 settings are layered
from skinsite.settings.databases import describe_database
from skinsite.settings.env import env
from skinsite.settings.storages import describe_storages

SECRET_KEY = env.required("SECRET_KEY", "Set 50 or more random characters, or SECRET_KEY_FILE to a file with them.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    env.required("ALLOWED_HOSTS", "Set the names of the site, with commas between them: ALLOWED_HOSTS=skin.example.org")
]
env.required("DATABASE_URL", "Set postgresql://USER:PASSWORD@HOST/NAME, or sqlite:///PATH for a single machine.")
DATABASES = {"default": describe_database(env.database("DATABASE_URL"))}
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")

STORAGES = describe_storages(hashed_static=True)

# Everything goes by HTTPS. A proxy that ends it says so in this header, and must set it for every request.
if env.switch("BEHIND_PROXY", default=True):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 365 * 24 * 3600, minimum=3600)
# For a name that has other sites under it that are not on HTTPS yet, HSTS_SUBDOMAINS=0.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.switch("HSTS_SUBDOMAINS", default=True)
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"
LANGUAGE_COOKIE_SECURE = True
