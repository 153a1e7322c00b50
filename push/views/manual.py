"""``/docs/manual/<slug>``: the user's manual. Public, so that a link in an error message always works."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from push.delivery.reasons import REASONS
from push.notices.kinds import KINDS, administrators

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter. Its template is ``push/manual/_<anchor>.html``; ``entries`` are (anchor, title) within it."""

    anchor: str
    title: "_StrPromise"
    entries: "tuple[tuple[str, _StrPromise | str], ...]" = ()

    @property
    def template(self) -> str:
        return f"push/manual/_{self.anchor.replace('-', '_')}.html"


BROWSER_PUSH = (
    Section("triggers", gettext_lazy("What triggers a push")),
    Section(
        "enable",
        gettext_lazy("Turn it on: computers"),
        (
            ("chrome", "Chrome"),
            ("edge", "Edge"),
            ("firefox", "Firefox"),
            ("safari", gettext_lazy("Safari on a Mac")),
            ("brave", "Brave"),
            ("opera", "Opera"),
        ),
    ),
    Section(
        "android",
        gettext_lazy("Turn it on: Android"),
        (
            ("android-chrome", "Chrome"),
            ("samsung-internet", "Samsung Internet"),
            ("android-firefox", "Firefox"),
        ),
    ),
    Section("iphone", gettext_lazy("Turn it on: iPhone and iPad")),
    Section(
        "mobile",
        gettext_lazy("When a phone stays silent"),
        (
            ("battery-samsung", "Samsung"),
            ("battery-xiaomi", "Xiaomi, Redmi, Poco"),
            ("battery-huawei", "Huawei, Honor"),
        ),
    ),
    Section("bell", gettext_lazy("Bell, dot and banner")),
    Section("unsubscribe", gettext_lazy("Turn it off")),
    Section("states", gettext_lazy("What the card says, and what to do")),
    Section(
        "troubleshooting",
        gettext_lazy("Troubleshooting by symptom"),
        (
            ("subscribe-does-nothing", gettext_lazy("Subscribe does nothing")),
            ("none-arrive", gettext_lazy("Allowed, but none arrive")),
            ("clicked-deny", gettext_lazy("I clicked Deny")),
            ("arrive-twice", gettext_lazy("They arrive twice")),
            ("safari-trouble", gettext_lazy("Safari")),
        ),
    ),
    Section("reasons", gettext_lazy("Why a push was not delivered")),
    Section(
        "self-hosting",
        gettext_lazy("For whoever runs the server"),
        (
            ("settings", gettext_lazy("The three settings")),
            ("workers", gettext_lazy("What must run")),
            ("keys", gettext_lazy("Keep and change the keys")),
            ("environments", gettext_lazy("Two environments, two pairs")),
        ),
    ),
)


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    if slug != "browser-push-notifications":
        raise Http404(_("The manual has no such page."))
    context = {
        "sections": BROWSER_PUSH,
        "reasons": REASONS.values(),
        "kinds": [(kind.label, kind.who is administrators) for kind in KINDS if kind.bell],
        "site_url": settings.SITE_URL,
    }
    return render(request, "push/manual/browser_push_notifications.html", context)
