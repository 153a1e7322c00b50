"""``/Money``: what has been paid, the buyer's page after paying, and Stripe's webhook."""

import logging
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from payments import gateway, webhooks
from payments.fulfilment import fulfil
from payments.models import Transaction

PAGE_SIZE = 30
TILE_SIZE = 3

logger = logging.getLogger(__name__)


def get_transaction_for(request: SignedInRequest, public_id: str) -> Transaction:
    """The transaction, when it is this person's organization's; 404 for everybody else."""
    rows = Transaction.objects.for_user(request.user).select_related("organization", "made_by")
    row: Transaction | None = rows.called(public_id).first()
    if row is None:
        raise Http404(_("There is no such transaction."))
    return row


@login_required
@require_safe
def transactions(request: SignedInRequest) -> HttpResponse:
    livemode = {"live": True, "test": False}.get(request.GET.get("mode", ""), gateway.is_live())
    before = request.GET.get("before")
    start = get_transaction_for(request, before) if before else None
    every = Transaction.objects.for_user(request.user)
    rows = list(
        every.filter(livemode=livemode)
        .before(start)
        .select_related("organization")
        .defer("line_items", "metadata", "checkout_url")[: PAGE_SIZE + 1]
    )
    context = {
        "rows": rows[:PAGE_SIZE],
        "older": rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None,
        "is_first_page": start is None,
        "livemode": livemode,
        "has_other_mode": every.filter(livemode=not livemode).exists(),
        "site_url": settings.SITE_URL,
        "is_live": gateway.is_live(),
    }
    return render(request, "payments/transactions.html", context)


@login_required
@require_safe
def transaction(request: SignedInRequest, public_id: str) -> HttpResponse:
    row = get_transaction_for(request, public_id)
    return render(request, "payments/transaction.html", {"transaction": row})


@never_cache
@require_safe
def thanks(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where the buyer comes back to. Asks Stripe itself: the webhook may be on its way still."""
    row = get_object_or_404(Transaction.objects.called(public_id).select_related("organization"))
    if row.status == Transaction.Status.PENDING and row.checkout_session_id:
        try:
            row = fulfil(row.checkout_session_id) or row
        except gateway.GatewayError as error:
            logger.warning("Stripe could not be asked about %s: %s", public_id, error)
    return render(request, "payments/thanks.html", {"transaction": row})


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored, whether it is new or not; 400 for what Stripe did not send."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise Http404("STRIPE_WEBHOOK_SECRET is not set.")
    body, header = request.body, request.headers.get("Stripe-Signature", "")
    try:
        webhooks.verify(body, header, settings.STRIPE_WEBHOOK_SECRETS, time.time())
        webhooks.receive(body)
    except webhooks.RefusedError as error:
        logger.warning("A webhook was refused: %s", error)
        return JsonResponse({"error": {"message": str(error)}}, status=400)
    return JsonResponse({"received": True})


def tile(request: SignedInRequest) -> dict[str, Any]:
    """For the dashboard: the last transactions that were paid."""
    rows = Transaction.objects.for_user(request.user).filter(
        status=Transaction.Status.PAID, livemode=gateway.is_live()
    )
    return {"rows": rows.before(None).select_related("organization")[:TILE_SIZE]}
