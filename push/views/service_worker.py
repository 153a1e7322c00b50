"""``/service-worker.js`` and ``/manifest.webmanifest``: public, at the root, never served stale."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from push.delivery.payload import BADGE, ICON
from push.delivery.vapid import keyring

THEME_COLOUR = "#3b5bdb"
BACKGROUND_COLOUR = "#f6f7fb"
ICONS = (  # file, pixels, purpose
    ("icon-192.png", 192, "any"),
    ("icon-512.png", 512, "any"),
    ("icon-maskable-192.png", 192, "maskable"),
    ("icon-maskable-512.png", 512, "maskable"),
    ("badge-96.png", 96, "monochrome"),
)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """One classic script for the whole site. A browser compares it byte by byte at each visit."""
    current = keyring().current
    context = {
        "public_key": current.public_text if current else "",
        "icon": static(ICON),
        "badge": static(BADGE),
        "receipts_url": reverse("push:receipts"),
        "change_url": reverse("push:subscription_change"),
    }
    response = render(
        request, "push/service-worker.js", context, content_type="text/javascript; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache"
    response["Service-Worker-Allowed"] = "/"
    return response


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the site installable. ``id`` never changes: it is what the installed app is known by."""
    content = {
        "id": "/",
        "name": "FastLinkIt",
        "short_name": "FastLinkIt",
        "description": _(
            "Support inbox, donations and Drops, and a push the moment something happens."
        ),
        "lang": get_language(),
        "start_url": "/?source=pwa",
        "scope": "/",
        "display": "standalone",
        "theme_color": THEME_COLOUR,
        "background_color": BACKGROUND_COLOUR,
        "icons": _icons(),
    }
    return JsonResponse(
        content, content_type="application/manifest+json", headers={"Cache-Control": "no-cache"}
    )


def _icons() -> list[dict[str, str]]:
    return [
        {
            "src": static(f"icons/{name}"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for name, size, purpose in ICONS
    ]
