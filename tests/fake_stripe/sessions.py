"""Checkout sessions: what may be ordered, and what becomes of it.

https://docs.stripe.com/api/checkout/sessions/create
"""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.fake_stripe.refusals import invalid, missing

DAY = 24 * 60 * 60  # seconds
ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()
THREE_DECIMAL = "bhd jod kwd omr tnd".split()
MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "chf": 50, "jpy": 50, "sek": 300, "czk": 1500}
KNOWN = {
    "mode", "line_items", "client_reference_id", "customer_email", "metadata", "success_url",
    "cancel_url", "expires_at", "payment_intent_data", "locale", "submit_type", "payment_method_types",
}  # fmt: skip


def make(params: Mapping[str, Any], page: str) -> dict[str, Any]:
    """A new session object; its hosted page is below ``page``. Raises ``RefusalError``."""
    for name in params:
        if name not in KNOWN:
            raise invalid(name, f"Received unknown parameter: {name}", "parameter_unknown")
    for name in ("mode", "line_items", "success_url"):
        if not params.get(name):
            raise missing(name)
    if params["mode"] != "payment":
        raise invalid("mode", "This Stripe knows mode=payment alone.")
    currency, total = _total(params["line_items"])
    _check_amount(currency, total)
    _check_texts(params)
    for name in ("success_url", "cancel_url"):
        _check_url(name, params.get(name))
    session_id = "cs_test_" + secrets.token_hex(24)
    now = int(time.time())
    return {
        "id": session_id,
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": _expiry(params.get("expires_at"), now),
        "livemode": False,
        "metadata": dict(params.get("metadata") or {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params["success_url"],
        "url": f"{page}/{session_id}#demo",
    }


def names_in(line_items: Mapping[str, Any]) -> list[str]:
    return [
        f"{item['quantity']} × {item['price_data']['product_data']['name']}"
        for item in line_items.values()
    ]


def _total(line_items: Any) -> tuple[str, int]:
    if not isinstance(line_items, dict) or len(line_items) > 100:
        raise invalid("line_items", "Invalid array")
    total, currencies = 0, set()
    for number, item in line_items.items():
        name = f"line_items[{number}]"
        price = item.get("price_data") if isinstance(item, dict) else None
        if not isinstance(price, dict):
            raise missing(f"{name}[price_data]")
        product = price.get("product_data")
        if not isinstance(product, dict) or not product.get("name"):
            raise missing(f"{name}[price_data][product_data][name]")
        unit = _integer(f"{name}[price_data][unit_amount]", price.get("unit_amount"))
        total += unit * _integer(f"{name}[quantity]", item.get("quantity"))
        currencies.add(price.get("currency"))
    [currency, *others] = currencies
    if others:
        raise invalid("line_items", "All line items must have the same currency.")
    if not re.fullmatch("[a-z]{3}", str(currency)):
        raise invalid("line_items[0][price_data][currency]", f"Invalid currency: {currency}")
    return str(currency), total


def _integer(name: str, text: Any) -> int:
    if text is None:
        raise missing(name)
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,15}", text):
        raise invalid(name, f"Invalid integer: {text}", "parameter_invalid_integer")
    return int(text)


def _check_amount(currency: str, total: int) -> None:
    if total < MINIMUM.get(currency, 1):
        raise invalid(
            "line_items",
            "The Checkout Session's total amount due must add up to at least the minimum.",
            "amount_too_small",
        )
    if total > 99_999_999:
        raise invalid("line_items", "The total amount is too large.", "amount_too_large")
    if currency in THREE_DECIMAL and total % 10:
        raise invalid("line_items", "Three-decimal amounts end in 0.", "parameter_invalid_integer")
    if currency in ("isk", "ugx") and total % 100:
        raise invalid(
            "line_items", "Amounts must be multiples of 100.", "parameter_invalid_integer"
        )


def _check_texts(params: Mapping[str, Any]) -> None:
    if len(params.get("client_reference_id") or "") > 200:
        raise invalid("client_reference_id", "Too long.", "parameter_invalid_string")
    email = params.get("customer_email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid("customer_email", f"Invalid email address: {email}", "email_invalid")
    metadata = params.get("metadata") or {}
    if len(metadata) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in metadata.items()):
        raise invalid("metadata", "At most 50 keys of 40 characters, values of 500.")


def _check_url(name: str, url: Any) -> None:
    if url is None:
        return
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(name, "Not a valid URL", "url_invalid")
    if len(url) > 5000:
        raise invalid(name, "Too long.", "url_invalid")


def _expiry(text: Any, now: int) -> int:
    if text is None:
        return now + DAY
    at = _integer("expires_at", text)
    if not now + 30 * 60 <= at <= now + DAY:
        raise invalid("expires_at", "Must be between 30 minutes and 24 hours from now.")
    return at


def amount_text(session: Mapping[str, Any]) -> str:
    currency, amount = session["currency"], session["amount_total"]
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, rest = divmod(amount, 10**digits)
    return f"{whole}{f'.{rest:0{digits}}' if digits else ''} {currency.upper()}"
