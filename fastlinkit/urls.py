"""Every URL of the product. The paths are fixed: browsers, mail clients and scripts keep them."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from fastlinkit import home
from fastlinkit.api import api, no_such_path

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", home.home, name="home"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("healthz", home.healthz, name="healthz"),
    path("", include("accounts.urls")),
    path("", include("drops.urls")),
    path("", include("payments.urls")),
    path("", include("fundraising.urls")),
    path("", include("tickets.urls")),
    path("", include("push.urls")),
    path("api/", api.urls),
    path("api/<path:rest>", no_such_path),
    path("admin/", admin.site.urls),
]

handler400 = "fastlinkit.home.bad_request"
handler403 = "fastlinkit.home.permission_denied"
handler404 = "fastlinkit.home.page_not_found"
handler500 = "fastlinkit.home.server_error"
