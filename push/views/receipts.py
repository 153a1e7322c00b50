"""The service worker's receipts: shown, tapped, closed.

There is no session and no CSRF token: the receipt's own token proves it.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from push.delivery.receipts import Refusal, record
from push.forms import ReceiptForm
from push.views.api import form_refusal, json_view, refusal

STATUS = {Refusal.USED: 409, Refusal.EXPIRED: 410, Refusal.UNKNOWN: 404}


@csrf_exempt
@json_view("POST", signed_in=False)
def receipts(request: HttpRequest, *, body: dict[str, Any]) -> HttpResponse:
    """204 once per delivery and event; anything else says why."""
    form = ReceiptForm(body)
    if not form.is_valid():
        return form_refusal(form)
    result = record(form.cleaned_data["token"])
    if isinstance(result, Refusal):
        return refusal(STATUS.get(result, 400), result.value, _why(result), "token")
    return HttpResponse(status=204)


def _why(result: Refusal) -> str:
    return {
        Refusal.MALFORMED: _("This is not a receipt."),
        Refusal.FORGED: _("This receipt was not signed by this server."),
        Refusal.EXPIRED: _("This receipt is too old."),
        Refusal.USED: _("This receipt was used before."),
        Refusal.UNKNOWN: _("What this receipt is about is no longer there."),
    }[result]
