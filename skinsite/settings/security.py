"""Cookies, headers, limits and lock-out, the same everywhere; production adds what needs HTTPS."""

from csp.constants import NONE, SELF

from skinsite.settings.env import env

KILOBYTE = 1_000
MEGABYTE = 1_000_000
# The largest photograph passes with its form, and several do together. What is larger never gets as far as a view.
REQUEST_MAX_BYTES = env.number("REQUEST_MAX_MEGABYTES", 130, minimum=27, maximum=10_000) * MEGABYTE
# All else is a form of text; only the addresses of UPLOAD_PATHS take more. Refused unread.
FORM_MAX_BYTES = 64_000
UPLOAD_PATHS: frozenset[str] = frozenset()
# Where a stranger can have a password hashed; their requests wait for no turn of the others.
SIGN_IN_PATHS = frozenset({"/login/"})
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * MEGABYTE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * MEGABYTE
# What `collectstatic` writes is for whoever serves it; photographs have modes of their own (skinsite.storage.private).
FILE_UPLOAD_PERMISSIONS = 0o644
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "skinsite.accounts.strength.StrengthValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

# A working day at most, and an hour without doing anything.
SESSION_ABSOLUTE_SECONDS = env.number("SESSION_HOURS", 12, minimum=1, maximum=30 * 24) * 3600
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_MINUTES", 60, minimum=1, maximum=30 * 24 * 60) * 60
# Pages that ask by themselves, by name: nobody need be there.
POLLED_PAGES: frozenset[str] = frozenset({"session"})
SESSION_ENGINE = "skinsite.accounts.sessions"
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "skinsite.platform.errors.csrf_failure"

# How many proxies of ours stand in front: that many addresses of X-Forwarded-For are theirs to tell.
PROXY_COUNT = env.number("PROXY_COUNT", 0, minimum=0, maximum=20)
# By which a browser is known in which somebody has signed in; see skinsite.accounts.known_browser.
KNOWN_BROWSER_COOKIE = "known-browser"

# Whether the proxy sets X-Request-ID itself, whatever it was sent: else anybody would choose the id of events.
PROXY_SETS_REQUEST_ID = env.switch("PROXY_SETS_REQUEST_ID", default=False)

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# People's pages: nothing inline, nothing from elsewhere. `blob:` shows a photograph before it is sent.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
# The admin's theme runs Alpine, which evaluates attributes, and styles elements as it goes.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": [SELF, "'unsafe-eval'", "'unsafe-inline'"],
    "style-src": [SELF, "'unsafe-inline'"],
}
