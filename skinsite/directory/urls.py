"""Addresses of the way to a directory and back; the second is registered there."""

from django.urls import URLPattern, URLResolver, path

from skinsite.directory import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("oidc/<str:name>/login/", views.leave, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", views.come_back, name="openid_connect_callback"),
    path("oidc/<str:name>/left/", views.left, name="openid_connect_left"),
    path("clinic/passwords/", views.switch_passwords, name="clinic-passwords"),
]
