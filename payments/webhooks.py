"""What Stripe posts to us: proven to be from Stripe, stored raw, answered; a task does the rest."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable

from django.db import transaction

from payments import fulfilment
from payments.models import StripeEvent
from payments.tasks import process_stripe_event

MAX_AGE = 300  # seconds
MAX_AHEAD = 30  # seconds that two good clocks may differ by
DIGITS = re.compile(r"[0-9]{1,12}")


class RefusedError(Exception):
    """Not an event of Stripe's, or not one to be believed. The text says why."""


def verify(body: bytes, header: str, secrets: Iterable[str], now: float) -> None:
    """Checks ``Stripe-Signature`` over the raw bytes; ``now`` in seconds since 1970.

    https://docs.stripe.com/webhooks#verify-manually. Stricter than Stripe's own library, which believes
    any time in the future.

    Raises:
        RefusedError
    """
    if not header:
        raise RefusedError("There is no Stripe-Signature header.")
    fields = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in fields if name.strip() == "t"]
    given = [value.encode() for name, value in fields if name.strip() == "v1"]
    if len(times) != 1 or not DIGITS.fullmatch(times[0]) or not given:
        raise RefusedError("The Stripe-Signature header cannot be read.")
    signed = times[0].encode() + b"." + body
    expected = [
        hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets
    ]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise RefusedError("The signature does not match.")
    if int(times[0]) < now - MAX_AGE:
        raise RefusedError("The signature is too old.")
    if int(times[0]) > now + MAX_AHEAD:
        raise RefusedError("The signature is of the future.")


def receive(body: bytes) -> StripeEvent:
    """Stores a verified event, once, and enqueues what follows from it in the same transaction.

    Raises:
        RefusedError: the body is no event.
    """
    event_id, event_type = _name(body)
    is_known = event_type in fulfilment.EVENT_TYPES
    with transaction.atomic():
        event: StripeEvent
        event, is_new = StripeEvent.objects.get_or_create(
            event_id=event_id, defaults={"type": event_type, "body": body}
        )
        if not is_known and is_new:
            fulfilment.process(event)
        elif is_new or event.status == StripeEvent.Status.FAILED:
            process_stripe_event.enqueue(event.pk)
    return event


def _name(body: bytes) -> tuple[str, str]:
    """The event's id and type."""
    try:
        event = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise RefusedError("The body is not JSON in UTF-8.") from None
    names = (event.get("id"), event.get("type")) if isinstance(event, dict) else ("", "")
    return _word(names[0], 255), _word(names[1], 120)


def _word(value: object, length: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= length or not value.isprintable():
        raise RefusedError("The body is not an event.")
    return value
