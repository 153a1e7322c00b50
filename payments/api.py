"""``/api/payment/…``: the Payment API, in Stripe's manner."""

import json
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

from accounts.api_keys import ApiError, ApiRequest, RequiresScope
from accounts.models import ApiKey
from payments import currencies, gateway, idempotency
from payments.models import IdempotentRequest, Transaction
from payments.models.transaction import TransactionQuerySet
from payments.redirects import url_problem
from payments.schemas import CheckoutIn, CheckoutList, CheckoutOut

type PageSize = Annotated[int, Field(ge=1, le=100)]

router = Router(tags=["payments"])
reading = RequiresScope("payments-read", "payment-api")


@router.post("checkouts", response={201: CheckoutOut}, auth=RequiresScope("payment-api"))
def create_checkout(request: ApiRequest, checkout: CheckoutIn) -> HttpResponse:
    """A row of ours and a Checkout session at Stripe, or the answer of the same request's first time."""
    key, source = request.auth, _source_in(request)
    _refuse_other_mode(key)
    _refuse_what_stripe_would(checkout, key)
    header = idempotency.key_in(request.headers.get("Idempotency-Key"))
    print_ = idempotency.fingerprint(request.path, source, checkout.model_dump_json())
    stored = idempotency.begin(key, header, print_) if header else None
    if stored is not None and stored.answer is not None:
        return _answer(stored.answer, stored.status_code or 201, replayed=True)
    return _carry_out(checkout, key, source, stored)


@router.get("checkouts", response=CheckoutList, auth=reading)
def list_checkouts(
    request: ApiRequest, limit: PageSize = 10, starting_after: str | None = None
) -> CheckoutList:
    """Newest first, ``limit`` at a time, from the one after ``starting_after`` on."""
    start = _checkout_of(request.auth, starting_after, "starting_after") if starting_after else None
    rows = list(_checkouts_of(request.auth).before(start)[: limit + 1])
    return CheckoutList(
        data=[CheckoutOut.of(row) for row in rows[:limit]], has_more=len(rows) > limit
    )


@router.get("checkouts/{public_id}", response=CheckoutOut, auth=reading)
def get_checkout(request: ApiRequest, public_id: str) -> CheckoutOut:
    return CheckoutOut.of(_checkout_of(request.auth, public_id))


def _checkouts_of(key: ApiKey) -> TransactionQuerySet:
    """Test keys see test rows, live keys live ones, both their own organization's."""
    rows: TransactionQuerySet = Transaction.objects.filter(
        organization=key.organization, livemode=not key.test
    )
    return rows


def _checkout_of(key: ApiKey, public_id: str, param: str = "id") -> Transaction:
    row = _checkouts_of(key).called(public_id).first()
    if row is None:
        message = _("There is no such checkout: %(id)s") % {"id": public_id[:80]}
        raise ApiError(404, message, code="resource_missing", param=param)
    return row


def _source_in(request: HttpRequest) -> str:
    """The caller's own word for where the checkout came from."""
    source = request.headers.get("X-FastLinkIt-Source", "").strip()
    if len(source) > 80 or not source.isascii() or not source.isprintable():
        message = _("X-FastLinkIt-Source may have at most 80 printable ASCII characters.")
        raise ApiError(400, message, code="parameter_invalid", param="X-FastLinkIt-Source")
    return source


def _refuse_other_mode(key: ApiKey) -> None:
    if not gateway.is_configured():
        message = _("This server has no Stripe key yet: STRIPE_SECRET_KEY is not set.")
        raise ApiError(503, message, code="payments_not_configured", kind="api_error")
    if key.test == gateway.is_live():
        message = (
            _("This is a test key, and this server's Stripe key is a live one.")
            if key.test
            else _("This server's Stripe key is a test key: use a test API key (fli_test_…) too.")
        )
        raise ApiError(400, message, code="mode_mismatch")


def _refuse_what_stripe_would(checkout: CheckoutIn, key: ApiKey) -> None:
    """What depends on more than one parameter, or on the organization."""
    total = checkout.total()
    if checkout.amount is not None and checkout.amount != total:
        message = _("The line items add up to %(total)d.") % {"total": total}
        raise ApiError(400, message, code="parameter_invalid", param="amount")
    problem = currencies.amount_problem(total, checkout.currency)
    for number, item in enumerate(checkout.line_items or []):
        if not problem and not currencies.is_representable(item.amount, checkout.currency):
            problem = _("Line item %(number)d has an amount that %(code)s does not have.") % {
                "number": number,
                "code": checkout.currency.upper(),
            }
    if problem:
        param = "line_items" if checkout.line_items else "amount"
        raise ApiError(400, problem, code="amount_invalid", param=param)
    for param in ("success_url", "cancel_url"):
        url = getattr(checkout, param)
        problem = url_problem(url, key.organization, test=key.test) if url is not None else ""
        if problem:
            raise ApiError(400, problem, code="url_invalid", param=param)


def _carry_out(
    checkout: CheckoutIn, key: ApiKey, source: str, stored: IdempotentRequest | None
) -> HttpResponse:
    """Ends ``stored`` however it goes: a request that breaks off goes on where it was when it is repeated."""
    status, body = 500, ""
    try:
        row = idempotency.prepare_once(stored, lambda: _prepare(checkout, key, source))
        row.open()
        status, body = 201, CheckoutOut.of(row).model_dump_json()
    except gateway.GatewayError as error:
        problem = _stripe_error(error)
        status, body = problem.status, json.dumps(problem.body)
        raise problem from error
    finally:
        idempotency.end(stored, status, body)
    return _answer(body, status)


def _prepare(checkout: CheckoutIn, key: ApiKey, source: str) -> Transaction:
    items = checkout.items()
    return Transaction.prepare(
        organization=key.organization,
        made_by=key.user,
        source=Transaction.Source.API,
        source_name=source,
        amount=checkout.total(),
        currency=checkout.currency,
        description=checkout.description or ", ".join(item["name"] for item in items)[:250],
        line_items=items,
        reference=checkout.reference,
        metadata=dict(checkout.metadata),
        customer_email=checkout.customer_email or "",
        success_url=checkout.success_url or "",
        cancel_url=checkout.cancel_url or "",
    )


def _stripe_error(error: gateway.GatewayError) -> ApiError:
    if error.refused:
        message = _("Stripe refused this checkout: %(message)s") % {"message": error}
        return ApiError(400, message, code=error.code or "stripe_refused")
    message = _("Stripe cannot be reached now. Send the same request again in a while.")
    return ApiError(
        502, message, code="stripe_unavailable", kind="api_error", headers={"Retry-After": "10"}
    )


def _answer(body: str, status: int, *, replayed: bool = False) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json; charset=utf-8")
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
