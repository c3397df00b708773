"""Who people are: signing in, passwords and sessions are django-allauth's, on the site's own accounts."""

from skinsite.settings.directories import read_directories
from skinsite.settings.env import env

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
    "reauthenticate": "skinsite.accounts.second_factor_forms.ConfirmByPasswordForm",
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
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")

# The second factor. Secrets are encrypted by the site's key (skinsite.accounts.second_factor).
MFA_ADAPTER = "skinsite.accounts.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "skinsite.accounts.second_factor_forms.SignInByCodeForm",
    "authenticate_webauthn": "skinsite.accounts.second_factor_forms.SignInByKeyForm",
    "login_webauthn": "skinsite.accounts.passkey_forms.SignInByPasskeyForm",
    "reauthenticate": "skinsite.accounts.second_factor_forms.ConfirmByCodeForm",
    "reauthenticate_webauthn": "skinsite.accounts.second_factor_forms.ConfirmByKeyForm",
    "activate_totp": "skinsite.accounts.second_factor_forms.AppForm",
    "add_webauthn": "skinsite.accounts.second_factor_forms.AddKeyForm",
}
MFA_TOTP_TOLERANCE = 1  # steps of half a minute that a clock may be off
MFA_TOTP_ISSUER = "skinsite"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # people are invited by address; there is nothing to verify
MFA_RATE_LIMITS = False
# A key that has asked for face, finger or PIN itself is two factors in one, and signs in without a password.
MFA_PASSKEY_LOGIN_ENABLED = True
# For which name passkeys are made, and at which addresses they are taken; empty for the one that the site is asked at.
WEBAUTHN_RP_ID = env.text("WEBAUTHN_RP_ID")
WEBAUTHN_ORIGINS = env.origins("WEBAUTHN_ORIGINS", schemes=("https",))
SUPERUSERS_NEED_SECOND_FACTOR = True
