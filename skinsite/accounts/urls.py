"""Addresses for signing in, for one's account and for running a clinic."""

from allauth.account import views as allauth
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as keys
from django.urls import URLPattern, URLResolver, include, path, reverse_lazy
from django.views.decorators.http import require_POST

from skinsite.accounts.views import account, clinic, emergencies, invitation, passkey, programs, second_factor, session

second_factor_pages: list[URLPattern | URLResolver] = [
    path("", factor.index, name="mfa_index"),
    path("sign-in/", factor.authenticate, name="mfa_authenticate"),
    path("confirm/", factor.reauthenticate, name="mfa_reauthenticate"),
    path("app/", app.activate_totp, name="mfa_activate_totp"),
    path("app/remove/", app.deactivate_totp, name="mfa_deactivate_totp"),
    path("codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("codes/file/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("keys/", factor.index, name="mfa_list_webauthn"),
    path("keys/add/", keys.add_webauthn, name="mfa_add_webauthn"),
    path("keys/confirm/", keys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("keys/<int:pk>/remove/", keys.remove_webauthn, name="mfa_remove_webauthn"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", allauth.LoginView.as_view(), name="account_login"),
    path("login/passkey/", passkey.PasskeyView.as_view(), name="account_passkey"),
    path("login/passkey/begin/", passkey.begin, name="account_passkey_begin"),
    path("logout/", require_POST(allauth.LogoutView.as_view()), name="account_logout"),
    path("session/", session.session, name="session"),
    path(
        "set-password/<uidb36>/<key>/",
        allauth.PasswordResetFromKeyView.as_view(success_url=reverse_lazy("account_login")),
        name="account_reset_password_from_key",
    ),
    path("account/", account.account, name="account"),
    path("account/confirm/", allauth.ReauthenticateView.as_view(), name="account_reauthenticate"),
    path("account/second-factor/", include(second_factor_pages)),
    path("clinic/second-factor/", second_factor.require_of_all, name="clinic-second-factor"),
    path("clinic/members/<uuid:public_id>/second-factor/", second_factor.reset, name="clinic-member-second-factor"),
    path("account/sessions/end-others/", account.end_other_sessions, name="account-end-sessions"),
    path("account/person/", account.change_person, name="account-person"),
    path("account/tokens/", programs.create_own_token, name="token-create"),
    path("account/tokens/<uuid:public_id>/revoke/", programs.revoke_own_token, name="token-revoke"),
    path("account/closed/", allauth.AccountInactiveView.as_view(), name="account_inactive"),
    path("account/password/confirm/", account.confirm_own_password, name="password-confirm"),
    path("account/password/", account.OwnPasswordView.as_view(), name="account_change_password"),
    path("account/emergency/<uuid:public_id>/end/", emergencies.end_own, name="account-emergency-end"),
    path("clinic/emergency/", emergencies.grant, name="clinic-emergency"),
    path("clinic/emergency/<uuid:public_id>/end/", emergencies.end, name="clinic-emergency-end"),
    path("clinic/", clinic.clinic, name="clinic"),
    path("clinic/name/", clinic.rename, name="clinic-rename"),
    path("clinic/time-zone/", clinic.set_time_zone, name="clinic-time-zone"),
    path("clinic/switch/", account.switch_clinic, name="clinic-switch"),
    path("clinic/invitations/", clinic.invite, name="clinic-invite"),
    path("clinic/invitations/<uuid:public_id>/revoke/", clinic.revoke_invitation, name="clinic-invitation-revoke"),
    path("clinic/members/<uuid:public_id>/role/", clinic.change_role, name="clinic-member-role"),
    path("clinic/members/<uuid:public_id>/deactivate/", clinic.deactivate, name="clinic-member-deactivate"),
    path("clinic/members/<uuid:public_id>/reactivate/", clinic.reactivate, name="clinic-member-reactivate"),
    path("clinic/members/<uuid:public_id>/password/", clinic.reset_password, name="clinic-member-password"),
    path("clinic/tokens/<uuid:public_id>/revoke/", programs.revoke_clinic_token, name="clinic-token-revoke"),
    path("clinic/services/", programs.services, name="clinic-services"),
    path("clinic/services/new/", programs.create_service, name="clinic-service-create"),
    path("clinic/services/<uuid:public_id>/renew/", programs.renew_service, name="clinic-service-renew"),
    path("clinic/services/<uuid:public_id>/end/", programs.close_service, name="clinic-service-end"),
    path("invitations/<str:secret>/", invitation.invitation, name="invitation"),
]
