"""System checks of the Stripe settings: each mistake in words that say what to do."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name

from payments import gateway


@register()
def stripe_settings_fit(app_configs: Sequence[Any] | None, **_named: Any) -> list[CheckMessage]:
    """Without a webhook secret nobody hears that something was paid; a live key is for Stripe alone."""
    messages: list[CheckMessage] = []
    if gateway.is_configured() and not settings.STRIPE_WEBHOOK_SECRETS:
        hint = (
            f"In Stripe's dashboard add the webhook {settings.SITE_URL}/webhooks/stripe and set its signing"
            " secret (whsec_…)."
        )
        messages.append(
            Warning(
                "STRIPE_SECRET_KEY is set, but STRIPE_WEBHOOK_SECRET is not: payments would go unnoticed.",
                hint=hint,
                id="payments.W001",
            )
        )
    if gateway.is_live() and settings.STRIPE_API_BASE:
        messages.append(
            Error(
                "A live STRIPE_SECRET_KEY would be sent to STRIPE_API_BASE, which is not Stripe.",
                hint="Unset STRIPE_API_BASE, or use a test key.",
                id="payments.E001",
            )
        )
    return messages
