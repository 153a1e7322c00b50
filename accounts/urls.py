"""Accounts. The views of signing in are allauth's, under its own names, at addresses that stay."""

from allauth.account import views as allauth_views
from django.urls import path

from accounts import views

urlpatterns = [
    path("Account/Login", allauth_views.login, name="account_login"),
    path("Account/Logout", allauth_views.logout, name="account_logout"),
    path("Account/Register", allauth_views.signup, name="account_signup"),
    path("Account/Inactive", allauth_views.account_inactive, name="account_inactive"),
    path("Account/Reauthenticate", allauth_views.reauthenticate, name="account_reauthenticate"),
    path(
        "Account/Email/Sent",
        allauth_views.email_verification_sent,
        name="account_email_verification_sent",
    ),
    path(
        "Account/Email/Confirm/<str:key>",
        allauth_views.confirm_email,
        name="account_confirm_email",
    ),
    path(
        "Account/Password/Change",
        allauth_views.password_change,
        name="account_change_password",
    ),
    path("Account/Password/Set", allauth_views.password_set, name="account_set_password"),
    path("Account/Password/Reset", allauth_views.password_reset, name="account_reset_password"),
    path(
        "Account/Password/Reset/Sent",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    path(
        "Account/Password/Reset/Done",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path(
        "Account/Password/Reset/<slug:uidb36>/<slug:key>",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("Account/Profile", views.profile, name="profile"),
    path("Account/Devices/<slug:public_id>", views.device, name="device"),
    path("Account/Devices/<slug:public_id>/removal", views.device_removal, name="device_removal"),
    path("Account/Sessions/closure", views.other_sessions_closure, name="other_sessions_closure"),
]
