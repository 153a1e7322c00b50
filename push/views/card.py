"""The card "Browser push — this device". Which state it shows is known in the browser alone; all words are here."""

from typing import Any

from django.http import HttpRequest

from push.views.anchors import CARD_STATES, MANUAL_PAGE
from push.views.context import bar
from push.views.pauses import pause_of


def context(request: HttpRequest) -> dict[str, Any]:
    """Every state's anchor in the manual, by code with underscores (templates cannot look up a hyphen)."""
    push = bar(request)["push"]
    return {
        "push": push,
        "pause": pause_of(push.device) if push.device else None,
        "anchors": {code.replace("-", "_"): anchor for code, anchor in CARD_STATES},
        "manual_page": MANUAL_PAGE,
    }
