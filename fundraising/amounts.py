"""Amounts as people type them. No floats anywhere."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from payments import currencies

# Three digits after the separator could be thousands as well, so they are asked for again.
TYPED = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,2}))?")


def parse_amount(text: str, currency: str) -> int:
    """``12``, ``12.5`` or ``12,50`` in minor units of ``currency``.

    Signs, exponents, thousands separators and digits of other scripts are refused: better asked again
    than understood wrongly.

    Raises:
        ValidationError
    """
    match = TYPED.fullmatch(text.strip())
    decimals = currencies.exponent(currency)
    if match is None or (match[2] and not decimals):
        raise ValidationError(
            _("Amount: write it in plain digits, like %(example)s."),
            code="invalid",
            params={"example": "12.50" if decimals else "1250"},
        )
    return int(match[1] + (match[2] or "").ljust(decimals, "0"))


def amount_as_typed(amount: int, currency: str) -> str:
    """What ``parse_amount`` reads back: 1250 eur -> 12.50, and 1200 eur -> 12."""
    value = currencies.to_decimal(amount, currency)
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"
