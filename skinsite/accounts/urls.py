"""Addresses for signing in, for one's account and for running a clinic."""

from django.urls import URLPattern, URLResolver, path

from skinsite.accounts.views import account, clinic, invitation, programs, session, signing_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", signing_in.SignInView.as_view(), name="login"),
    path("logout/", signing_in.SignOutView.as_view(), name="logout"),
    path("session/", session.session, name="session"),
    path("set-password/<uidb64>/<token>/", signing_in.NewPasswordView.as_view(), name="set-password"),
    path("account/", account.account, name="account"),
    path("account/password/", signing_in.OwnPasswordView.as_view(), name="password-change"),
    path("account/person/", account.change_person, name="account-person"),
    path("account/tokens/", programs.create_own_token, name="token-create"),
    path("account/tokens/<uuid:public_id>/revoke/", programs.revoke_own_token, name="token-revoke"),
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
