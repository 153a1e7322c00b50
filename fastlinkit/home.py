"""The front door: landing page, dashboard, health, and the pages for when something went wrong."""

from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.module_loading import import_string
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

FAVICON_AGE = 24 * 60 * 60  # seconds


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A dashboard of the apps' tiles for signed-in people, else what this product does."""
    if not request.user.is_authenticated:
        return render(request, "landing.html", {"is_home": True})
    tiles = [
        render_to_string(template, import_string(function)(request), request)
        for template, function in settings.HOME_TILES
    ]
    return render(request, "dashboard.html", {"tiles": tiles})


@cache_control(public=True, max_age=FAVICON_AGE)
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For whoever asks without having read a page's icon link: a bare image, a feed reader."""
    return redirect(static("icons/icon-192.png"))


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """For monitors: 200 while the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse(
            {"status": "unavailable", "database": "unreachable"},
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
    return JsonResponse({"status": "ok", "database": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Also for requests that were refused before anybody could be recognised: a page without a person."""
    return HttpResponse(render_to_string("400.html"), status=HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=HTTPStatus.FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``settings.CSRF_FAILURE_VIEW``. ``reason`` is for developers and is not shown."""
    context = {"has_cookies": bool(request.COOKIES)}
    return render(request, "403_csrf.html", context, status=HTTPStatus.FORBIDDEN)


def server_error(request: HttpRequest) -> HttpResponse:
    """Leans on nothing that may be broken: no database, no session."""
    return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)
