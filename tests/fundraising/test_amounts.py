"""What people type for an amount: understood exactly, or asked for again."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from fundraising.amounts import amount_as_typed, parse_amount


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12", "eur", 1200),
        ("12.5", "eur", 1250),
        ("12,50", "eur", 1250),
        (" 12.50 ", "usd", 1250),
        ("0.07", "usd", 7),
        ("007", "usd", 700),
        ("500", "jpy", 500),
        ("12,50", "kwd", 12500),
        ("500", "isk", 50000),
    ],
)
def test_an_amount_is_understood(text: str, currency: str, amount: int) -> None:
    assert parse_amount(text, currency) == amount


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1e9", "１２", "١٢", "-5", "+5", "NaN", "Infinity", "0x10", "12.345", "1,000",
        "1.000", "1 000", "1,000.00", "12.", ".5", "12..5", "1_000", "€12", "12 €", "½", "12\n50",
        "9" * 13, "12.50\x00", "1/2", "²",
    ],
)  # fmt: skip
@pytest.mark.parametrize("currency", ["eur", "jpy", "kwd"])
def test_anything_else_is_asked_for_again(text: str, currency: str) -> None:
    with pytest.raises(ValidationError, match="Amount: write it in plain digits"):
        parse_amount(text, currency)


def test_yen_have_no_decimals() -> None:
    with pytest.raises(ValidationError):
        parse_amount("500.50", "jpy")


@given(
    st.integers(0, 10**12 - 1), st.sampled_from([("eur", 1), ("jpy", 1), ("kwd", 10), ("isk", 100)])
)
def test_what_a_form_shows_is_what_it_reads_back(
    number: int, currency_and_step: tuple[str, int]
) -> None:
    currency, step = currency_and_step
    amount = number // step * step
    assert parse_amount(amount_as_typed(amount, currency), currency) == amount
