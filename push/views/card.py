"""The card "Browser push — this device". Which state it shows is known in the browser alone; all words are here."""

from typing import Any

from django.http import HttpRequest

from push.views.anchors import CARD_STATES, MANUAL_PAGE
from push.views.context import bar


def context(request: HttpRequest) -> dict[str, Any]:
    """Every state's anchor in the manual, by code with underscores (templates cannot look up a hyphen)."""
    return {
        "push": bar(request)["push"],
        "anchors": {code.replace("-", "_"): anchor for code, anchor in CARD_STATES},
        "manual_page": MANUAL_PAGE,
    }
