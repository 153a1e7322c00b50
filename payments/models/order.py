"""What a caller orders."""

from typing import NotRequired, TypedDict

from accounts.models import Organization, User


class LineItem(TypedDict):
    """``amount`` is one unit's, in the minor unit."""

    name: str
    amount: int
    quantity: int


class Order(TypedDict):
    """What is to be paid, and where the buyer goes then. ``amount`` in the minor unit, ``currency`` like eur."""

    organization: Organization
    made_by: User | None
    source: str
    amount: int
    currency: str
    description: str
    reference: NotRequired[str]
    source_name: NotRequired[str]
    customer_email: NotRequired[str]
    metadata: NotRequired[dict[str, str]]
    line_items: NotRequired[list[LineItem]]
    success_url: NotRequired[str]
    cancel_url: NotRequired[str]
