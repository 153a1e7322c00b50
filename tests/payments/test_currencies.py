"""Stripe's own table of currencies, in numbers that were looked up there."""

import pytest
from django.utils import translation

from payments import currencies


@pytest.mark.parametrize(
    "code", "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()
)
def test_zero_decimal_currencies_have_no_smaller_unit(code: str) -> None:
    assert currencies.exponent(code) == 0


@pytest.mark.parametrize("code", "bhd jod kwd omr tnd".split())
def test_three_decimal_amounts_end_in_zero(code: str) -> None:
    assert currencies.exponent(code) == 3
    assert currencies.amount_problem(5120, code) == ""
    assert "end in 0" in currencies.amount_problem(5124, code)


@pytest.mark.parametrize("code", ["isk", "ugx"])
def test_crowns_and_shillings_come_whole(code: str) -> None:
    assert currencies.exponent(code) == 2
    assert currencies.amount_problem(500, code) == ""
    assert "multiples of 100" in currencies.amount_problem(501, code)


@pytest.mark.parametrize(
    ("amount", "code", "word"),
    [
        (49, "eur", "at least €0.50"),
        (29, "gbp", "at least £0.30"),
        (49, "jpy", "at least ¥50"),
        (0, "xof", "at least"),
        (100_000_000, "eur", "at most €999,999.99"),
    ],
)
def test_too_little_and_too_much_are_refused_with_the_limit(
    amount: int, code: str, word: str
) -> None:
    assert word in currencies.amount_problem(amount, code)


@pytest.mark.parametrize(
    ("amount", "code", "language", "text"),
    [
        (1250, "eur", "en", "€12.50"),
        (1250, "eur", "de", "12,50\xa0€"),
        (1250, "jpy", "en", "¥1,250"),
        (1250, "kwd", "en", "KWD\xa01.250"),
        (50000, "isk", "en", "ISK\xa0500"),
        (1_000_000_00, "usd", "en", "$1,000,000.00"),
        (1299, "huf", "en", "HUF\xa012.99"),
        (1299, "all", "en", "ALL\xa012.99"),
    ],
)
def test_money_is_written_as_the_reader_writes_it_and_never_rounded(
    amount: int, code: str, language: str, text: str
) -> None:
    with translation.override(language):
        assert currencies.format_amount(amount, code) == text


def test_every_currency_can_be_written() -> None:
    for code in currencies.CURRENCIES:
        assert currencies.format_amount(12_300, code)
