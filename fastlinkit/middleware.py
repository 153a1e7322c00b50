"""Rules that hold for every request: one service worker, no null characters, URLs in any letter case."""

import re
from collections.abc import Callable, Iterator
from functools import cache

from django.core.exceptions import BadRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotFound,
    HttpResponsePermanentRedirect,
)
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

SERVICE_WORKER = "/service-worker.js"
CONVERTER = re.compile(r"<(?:[^>:]+:)?[^>]+>")


def service_worker_guard(get_response: GetResponse) -> GetResponse:
    """No other path may be registered as a service worker (an uploaded file, say): 404."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("Service-Worker") == "script" and request.path != SERVICE_WORKER:
            return HttpResponseNotFound(
                "Only /service-worker.js is a service worker.", content_type="text/plain"
            )
        return get_response(request)

    return middleware


def null_character_guard(get_response: GetResponse) -> GetResponse:
    """A null character in a page's address: 404. In a cookie: 400. PostgreSQL cannot compare one.

    Forms refuse it themselves; the API answers in its own form.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest("A null character in a cookie.")
        if not request.path_info.startswith("/api/") and (
            "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")
        ):
            raise Http404("A null character in the address.")
        return get_response(request)

    return middleware


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if not isinstance(pattern.pattern, RoutePattern):
            continue
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route


@cache
def _canonical_routes() -> list[tuple[re.Pattern[str], list[str]]]:
    """(matches the route in any case with the variable parts as groups, the fixed parts in canonical case)."""
    rows = []
    for route in _routes(get_resolver().url_patterns):
        fixed = CONVERTER.split(route)
        rows.append(
            (re.compile("([^/]+)".join(map(re.escape, fixed)) + r"\Z", re.IGNORECASE), fixed)
        )
    return rows


def canonical_path(path: str) -> str | None:
    """``/notifications`` -> ``/Notifications``; codes and tokens keep their case. None when no route matches.

    A slash at the end may be missing or too many.
    """
    bare = path.strip("/")
    for pattern, fixed in _canonical_routes():
        if match := pattern.match(bare) or pattern.match(f"{bare}/"):
            parts = [fixed[0]]
            for value, text in zip(match.groups(), fixed[1:], strict=True):
                parts += [value, text]
            return "/" + "".join(parts)
    return None


def canonical_case(get_response: GetResponse) -> GetResponse:
    """GET and HEAD find a page in any letter case; the answer is a redirect to the canonical one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code == 404 and request.method in ("GET", "HEAD"):
            path = canonical_path(request.path_info)
            if path and path != request.path_info:
                query = request.META.get("QUERY_STRING", "")
                return HttpResponsePermanentRedirect(path + (f"?{query}" if query else ""))
        return response

    return middleware
