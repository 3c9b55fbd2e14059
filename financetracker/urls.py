"""The whole map of addresses."""

from allauth.account import views as account
from django.contrib import admin
from django.db.transaction import non_atomic_requests
from django.urls import path
from django.views.generic import RedirectView

from financetracker.site.other_release import static_of_another_release

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    # WhiteNoise answers for what this release has; this is for what it does not know.
    path("static/<path:name>", non_atomic_requests(static_of_another_release), name="static"),
    # Outside a transaction: a hundred logins at once must not hold a connection each while argon2 works,
    # and what the rate limit counted stays counted when the rest fails.
    path("users/login/", non_atomic_requests(account.login), name="account_login"),
    path("users/logout/", account.logout, name="account_logout"),
    path("users/inactive/", account.account_inactive, name="account_inactive"),
    path("users/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("users/password/", account.password_change, name="account_change_password"),
]
