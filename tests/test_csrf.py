"""Which URLs take a POST without a CSRF token: these, and no others."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Of the design's list those that exist so far; the others join with their features.
WITHOUT_CSRF = {
    "push/receipts",
    "push/subscription/change",
    "webhooks/mail/<path:token>",
    "webhooks/stripe",
    "api/payment/checkouts",
    "api/payment/checkouts/<public_id>",
    "api/<path:rest>",
}


def walk(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """(route, pattern) of every view, the admin's included."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield route, pattern


ROUTES = dict(walk(get_resolver().url_patterns))


def test_the_walk_sees_every_app() -> None:
    assert {"healthz", "Account/Login", "Drops", "Account/Manage", "admin/login/"} <= set(ROUTES)


def test_only_the_listed_views_are_exempt() -> None:
    exempt = {
        route
        for route, pattern in ROUTES.items()
        if getattr(pattern.callback, "csrf_exempt", False)
    }
    assert exempt == WITHOUT_CSRF


@pytest.mark.django_db
def test_a_post_without_a_token_is_refused_everywhere_else() -> None:
    """Also where a view's own decorators might have let it through."""
    client = Client(enforce_csrf_checks=True)
    let_through = set()
    for route in ROUTES:
        if route.startswith("admin/"):
            continue  # a hundred pages of Django's own
        answer = client.post("/" + re.sub(r"<[^>]+>", "1", route))
        if answer.status_code != 403 or "That was not sent" not in answer.content.decode():
            let_through.add(route)
    assert let_through == WITHOUT_CSRF
