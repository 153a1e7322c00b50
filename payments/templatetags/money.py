"""Money on pages."""

from django import template

from payments import currencies, gateway

register = template.Library()


@register.filter
def money(amount: int, currency: str) -> str:
    """``{{ amount|money:currency }}``: minor units as people read them."""
    return currencies.format_amount(amount, currency)


@register.inclusion_tag("payments/_demo.html")
def demo_badge() -> dict[str, bool]:
    """``{% demo_badge %}``: beside every amount on an installation where no money is real."""
    return {"is_demo": gateway.is_demo()}
