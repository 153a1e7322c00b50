from payments.models.idempotent_request import IdempotentRequest
from payments.models.redirect_host import RedirectHost
from payments.models.stripe_event import StripeEvent
from payments.models.transaction import Transaction

__all__ = ["IdempotentRequest", "RedirectHost", "StripeEvent", "Transaction"]
