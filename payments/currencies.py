"""Stripe's own table of currencies, amounts in the minor unit, money by locale. No floats anywhere.

Source: https://docs.stripe.com/currencies (zero-decimal, three-decimal and special cases, minimum and
maximum charge amounts). It differs from ISO 4217: ISK and UGX have two decimals that must be 00.
"""

import re
from decimal import Decimal

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision
from django.utils import translation
from django.utils.translation import gettext as _

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
WHOLE_HUNDREDS = frozenset(("isk", "ugx"))
CURRENCIES = (
    frozenset(
        """
        usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd
        cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd
        hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop
        mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar
        sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer
        zar zmw
        """.split()
    )
    | ZERO_DECIMAL
    | THREE_DECIMAL
    | WHOLE_HUNDREDS
)
# Stripe refuses less, in the minor unit; where its page names no minimum, one unit is asked for.
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
MAXIMUM = 99_999_999  # eight digits
MAXIMUM_DIGITS = {"idr": 999_999_999_999, "cop": 9_999_999_999, "huf": 9_999_999_999}
# CLDR puts a space there (currencySpacing), babel does not.
BETWEEN_CODE_AND_NUMBER = re.compile(r"(?<=[^\W\d_])(?=-?\d)|(?<=\d)(?=[^\W\d_])")


def exponent(currency: str) -> int:
    """How many decimals the minor unit stands for: 2 for eur, 0 for jpy, 3 for kwd."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minimum(currency: str) -> int:
    return MINIMUM.get(currency, 10 if currency in THREE_DECIMAL else 1)


def maximum(currency: str) -> int:
    return MAXIMUM_DIGITS.get(currency, MAXIMUM)


def amount_problem(amount: int, currency: str) -> str:
    """Why Stripe would refuse this amount (minor units), in words; empty when it is fine."""
    if amount < minimum(currency):
        least = format_amount(minimum(currency), currency)
        return _("The amount has to be at least %(least)s.") % {"least": least}
    if amount > maximum(currency):
        most = format_amount(maximum(currency), currency)
        return _("The amount may be at most %(most)s.") % {"most": most}
    if is_representable(amount, currency):
        return ""
    if currency in THREE_DECIMAL:
        return _("Amounts in %(code)s have to end in 0.") % {"code": currency.upper()}
    return _("Amounts in %(code)s have to be multiples of 100.") % {"code": currency.upper()}


def is_representable(amount: int, currency: str) -> bool:
    """Whether Stripe takes such an amount at all: 10 for the last digit of fils, 100 for crowns of Iceland."""
    if currency in THREE_DECIMAL:
        return amount % 10 == 0
    return currency not in WHOLE_HUNDREDS or amount % 100 == 0


def to_decimal(amount: int, currency: str) -> Decimal:
    """1250 eur -> 12.50"""
    return Decimal(amount).scaleb(-exponent(currency))


def format_amount(amount: int, currency: str) -> str:
    """As people who read the current language write it; never rounded."""
    value, code = to_decimal(amount, currency), currency.upper()
    as_usual = value == round(value, get_currency_precision(code))
    text = format_currency(value, code, locale=_locale(), currency_digits=as_usual)
    return BETWEEN_CODE_AND_NUMBER.sub("\N{NO-BREAK SPACE}", text)


def _locale() -> Locale:
    try:
        return Locale.parse(translation.to_locale(translation.get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
