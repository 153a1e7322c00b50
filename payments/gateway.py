"""The only file that talks to Stripe. Blocking network calls: never inside a transaction."""

import os
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import certifi
import stripe
from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from payments.models import Transaction

API_VERSION = "2026-10-28.endive"
TIMEOUT = (5, 20)  # seconds to connect, and to wait for the answer
RETRIES = 2
LIVE_PREFIXES = ("sk_live_", "rk_live_")
DEMO_PREFIX = "sk_test_demo_"


class GatewayError(Exception):
    """Stripe did not do what it was asked. ``refused``: it said no, so that asking again won't help."""

    def __init__(self, message: str, *, refused: bool = False, code: str = "") -> None:
        super().__init__(message)
        self.refused = refused
        self.code = code


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout session as Stripe says it is. Amounts in the minor unit.

    https://docs.stripe.com/api/checkout/sessions/object
    """

    id: str
    url: str
    client_reference_id: str
    amount: int | None
    currency: str
    livemode: bool
    status: str  # open, complete, expired
    payment_status: str  # paid, unpaid, no_payment_required


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


def is_live() -> bool:
    """Whether our key moves real money."""
    return str(settings.STRIPE_SECRET_KEY).startswith(LIVE_PREFIXES)


def is_demo() -> bool:
    """Whether ``make serve`` pretends to be Stripe, because there is no key."""
    return str(settings.STRIPE_SECRET_KEY).startswith(DEMO_PREFIX)


def create_session(row: "Transaction") -> Session:
    """The row's Checkout session. Called again for the same row it is the same session: no orphans.

    Raises:
        GatewayError
    """
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": row.public_id,
        "line_items": [
            {
                "quantity": item["quantity"],
                "price_data": {
                    "currency": row.currency,
                    "unit_amount": item["amount"],
                    "product_data": {"name": item["name"]},
                },
            }
            for item in row.line_items
        ],
        "metadata": {"fastlinkit_transaction": row.public_id},
        "success_url": row.success_url,
    }
    if row.cancel_url:
        params["cancel_url"] = row.cancel_url
    if row.customer_email:
        params["customer_email"] = row.customer_email
    options = {"idempotency_key": f"fastlinkit-checkout-{row.public_id}"}
    return _ask("create", params, options)


def retrieve_session(session_id: str) -> Session:
    """The session as it is now. Raises ``GatewayError``, with code ``resource_missing`` for an unknown id."""
    return _ask("retrieve", session_id)


def expire_session(session_id: str) -> Session:
    """Ends an open session, and returns it as it is then: expired, or complete when the buyer was quicker.

    Raises:
        GatewayError
    """
    try:
        return _ask("expire", session_id)
    except GatewayError as error:
        if not error.refused or error.code == "resource_missing":
            raise
    return retrieve_session(session_id)


def _ask(verb: str, *arguments: Any) -> Session:
    # As atomic(durable=True) looks: the transaction that wraps a test is none of ours.
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("Stripe is asked inside a database transaction.")
    if not is_configured():
        raise GatewayError("Stripe is not configured: STRIPE_SECRET_KEY is not set.")
    client = _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    try:
        answer = getattr(client.v1.checkout.sessions, verb)(*arguments)
    except stripe.InvalidRequestError as error:
        message = error.user_message or "Stripe refused the request."
        raise GatewayError(message, refused=True, code=error.code or "") from error
    except stripe.StripeError as error:
        raise GatewayError(error.user_message or type(error).__name__) from error
    return _session(answer)


def _session(answer: stripe.StripeObject) -> Session:
    """Raises ``GatewayError`` when the answer is no Checkout session."""
    said = answer.to_dict(recursive=False)
    try:
        return Session(
            id=said["id"],
            url=said.get("url") or "",
            client_reference_id=said.get("client_reference_id") or "",
            amount=said.get("amount_total"),
            currency=said.get("currency") or "",
            livemode=bool(said["livemode"]),
            status=said.get("status") or "",
            payment_status=said["payment_status"],
        )
    except KeyError as error:
        raise GatewayError("Stripe's answer is not a Checkout session.") from error


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    """Keeps connections open between calls, one set per thread."""
    stripe.ca_bundle_path = _ca_bundle()
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else None,
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )


def _ca_bundle() -> str:
    """The file of trusted certificates: ``SSL_CERT_FILE``, else the system's, else certifi's."""
    paths = ssl.get_default_verify_paths()
    return os.environ.get("SSL_CERT_FILE") or paths.cafile or certifi.where()
