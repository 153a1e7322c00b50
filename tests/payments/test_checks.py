"""Stripe's settings are looked at before anybody pays."""

from typing import Any

import pytest

from payments.checks import stripe_settings_fit


@pytest.mark.parametrize(
    ("key", "secrets", "base", "found"),
    [
        ("", [], "", []),
        ("sk_test_x", ["whsec_x"], "http://localhost:1", []),
        ("sk_live_x", ["whsec_x"], "", []),
        ("sk_test_x", [], "", ["payments.W001"]),
        ("rk_live_x", ["whsec_x"], "http://localhost:1", ["payments.E001"]),
    ],
)
def test_a_mistake_in_the_settings_is_said(
    settings: Any, key: str, secrets: list[str], base: str, found: list[str]
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = key, secrets
    settings.STRIPE_API_BASE = base
    assert [message.id for message in stripe_settings_fit(None)] == found
