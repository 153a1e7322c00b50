"""What the Payment API takes and gives. Strict: nothing is converted, nothing unknown is passed over."""

import unicodedata
from typing import Annotated, Self

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

from payments import currencies
from payments.models import Transaction
from payments.models.order import LineItem


def plain(text: str) -> str:
    """Text without control characters and halves of characters, which databases and mail refuse."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise ValueError(_("Control characters are not allowed."))
    return text


def email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(_("This is not an e-mail address.")) from None
    return text


def whole_number(value: object) -> object:
    """1e9 and 1.0 are no integers in JSON's sense of the word, and no amounts."""
    if type(value) is not int:
        raise ValueError(_("This has to be an integer, in the currency's smallest unit."))
    return value


def currency_code(text: str) -> str:
    code = text.lower()
    if code not in currencies.CURRENCIES:
        raise ValueError(_("Stripe does not know this currency."))
    return code


Text = Annotated[StrictStr, AfterValidator(plain)]
Whole = Annotated[StrictInt, BeforeValidator(whole_number)]
Amount = Annotated[Whole, Field(ge=1, le=10**12)]
MetadataKey = Annotated[Text, Field(min_length=1, max_length=40)]
MetadataValue = Annotated[Text, Field(max_length=500)]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class LineItemIn(Strict):
    """``amount`` is one unit's, in the currency's smallest unit."""

    name: Annotated[Text, Field(min_length=1, max_length=250)]
    amount: Amount
    quantity: Annotated[Whole, Field(ge=1, le=10_000)] = 1


class CheckoutIn(Strict):
    """Either ``amount`` and ``description``, or ``line_items``, whose sum ``amount`` may confirm."""

    currency: Annotated[StrictStr, AfterValidator(currency_code)]
    amount: Amount | None = None
    description: Annotated[Text, Field(max_length=250)] = ""
    line_items: Annotated[list[LineItemIn], Field(min_length=1, max_length=100)] | None = None
    reference: Annotated[Text, Field(max_length=200)] = ""
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=50)] = {}
    customer_email: Annotated[Text, Field(max_length=254), AfterValidator(email)] | None = None
    success_url: StrictStr | None = None
    cancel_url: StrictStr | None = None

    @model_validator(mode="after")
    def is_complete(self) -> Self:
        if self.line_items is None and (self.amount is None or not self.description.strip()):
            raise ValueError(_("Give amount and description, or line_items."))
        return self

    def total(self) -> int:
        if self.line_items is None:
            return self.amount or 0
        return sum(item.amount * item.quantity for item in self.line_items)

    def items(self) -> list[LineItem]:
        return [
            {"name": item.name, "amount": item.amount, "quantity": item.quantity}
            for item in self.line_items or []
        ]


class CheckoutOut(Schema):
    """Times in seconds since 1970, as Stripe gives them."""

    id: str
    object: str = "checkout"
    url: str | None
    status: str
    amount: int
    currency: str
    description: str
    line_items: list[LineItemIn]
    reference: str
    metadata: dict[str, str]
    customer_email: str | None
    success_url: str
    cancel_url: str | None
    source: str
    livemode: bool
    created: int
    paid_at: int | None

    @classmethod
    def of(cls, row: Transaction) -> "CheckoutOut":
        return cls(
            id=row.public_id,
            url=row.checkout_url or None,
            status=row.status,
            amount=row.amount,
            currency=row.currency,
            description=row.description,
            line_items=row.line_items,
            reference=row.reference,
            metadata=row.metadata,
            customer_email=row.customer_email or None,
            success_url=row.success_url,
            cancel_url=row.cancel_url or None,
            source=row.source_name or row.source,
            livemode=row.livemode,
            created=int(row.created_at.timestamp()),
            paid_at=int(row.paid_at.timestamp()) if row.paid_at else None,
        )


class CheckoutList(Schema):
    object: str = "list"
    url: str = "/api/payment/checkouts"
    data: list[CheckoutOut]
    has_more: bool
