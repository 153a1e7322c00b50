"""A pretend Stripe over real HTTP, strict and stateful: Checkout sessions, a page to pay on, signed webhooks.

    python -m tests.fake_stripe --port 8701 --webhook http://localhost:8000/webhooks/stripe --secret whsec_x

Written from https://docs.stripe.com/api: it refuses what Stripe refuses. Nothing here is Stripe's, and
no money moves. Leans on the standard library alone, for `make serve` starts it too.
"""

from tests.fake_stripe.server import FakeStripe

__all__ = ["FakeStripe"]
