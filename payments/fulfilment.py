"""From what Stripe says to what our rows say. Webhook and success page come through the same function."""

from payments import gateway
from payments.models import StripeEvent, Transaction

SESSION_ENDED = "checkout.session.completed"
PAYMENT_ARRIVED = "checkout.session.async_payment_succeeded"
PAYMENT_FAILED = "checkout.session.async_payment_failed"
SESSION_EXPIRED = "checkout.session.expired"
EVENT_TYPES = frozenset((SESSION_ENDED, PAYMENT_ARRIVED, PAYMENT_FAILED, SESSION_EXPIRED))

IGNORED_TYPE = "Events of this type change nothing here."
NO_SESSION = "The event names no Checkout session."
NOT_OURS = "No transaction of ours has this Checkout session."


def fulfil(session_id: str, *, has_failed: bool = False) -> Transaction | None:
    """Asks Stripe for the session and brings its transaction to that state; None when it is not ours.

    Nothing is taken from a webhook's body or a browser's address but the session's id. Safe to
    repeat, in any order, and at the same instant.

    Raises:
        payments.gateway.GatewayError: Stripe cannot be asked.
    """
    session = gateway.retrieve_session(session_id)
    rows = Transaction.objects.select_related("organization", "made_by")
    row: Transaction | None = (
        rows.filter(checkout_session_id=session.id).first()
        or rows.filter(public_id=session.client_reference_id).first()
    )
    if row is not None:
        row.settle(session, has_failed=has_failed)
    return row


def process(event: StripeEvent) -> None:
    """Acts on a stored event, and says on its row how that went.

    Raises:
        payments.gateway.GatewayError: Stripe cannot be asked; the row says so, and it can be run again.
    """
    if event.type not in EVENT_TYPES:
        event.end(StripeEvent.Status.IGNORED, IGNORED_TYPE)
        return
    session_id = event.session_id()
    if not session_id:
        event.end(StripeEvent.Status.IGNORED, NO_SESSION)
        return
    try:
        row = fulfil(session_id, has_failed=event.type == PAYMENT_FAILED)
    except gateway.GatewayError as error:
        if error.code != "resource_missing":
            event.end(StripeEvent.Status.FAILED, str(error))
            raise
        row = None
    if row is None:
        event.end(StripeEvent.Status.IGNORED, NOT_OURS)
    else:
        event.end(StripeEvent.Status.PROCESSED, row.public_id)
