"""Who people are: signing in, passwords and sessions are django-allauth's, on the site's own accounts."""

from skinsite.settings.directories import read_directories

# An account is its e-mail address, which nobody changes by hand; people come by invitation, never by themselves.
ACCOUNT_ADAPTER = "skinsite.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_USER_DISPLAY = str
ACCOUNT_FORMS = {
    "login": "skinsite.accounts.forms.SignInForm",
    "change_password": "skinsite.accounts.forms.OwnPasswordForm",
    "reset_password_from_key": "skinsite.accounts.forms.NewPasswordForm",
}
# A link holds the account's own state alone; allauth's generator would write a row for each address on the way.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105 a class
ACCOUNT_SESSION_REMEMBER = True
# Theirs are counted in the cache of one process; ours (skinsite.accounts.lockout) hold over all.
ACCOUNT_RATE_LIMITS = False
USERSESSIONS_TRACK_ACTIVITY = False

# The only others that vouch for people here.
DIRECTORIES = read_directories()
SOCIALACCOUNT_ADAPTER = "skinsite.directory.social.DirectoryAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
