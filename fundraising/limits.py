"""How many donations may be begun: card thieves try their numbers on pages like this, by the hundred."""

import ipaddress
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from fundraising.models import Campaign, Donation

WINDOW = timedelta(minutes=10)
PER_ORIGIN = 10
PER_CAMPAIGN = 200
IPV6_NETWORK = 64  # bits; one household has as many addresses as it likes below that


def origin_of(address: str) -> str:
    """A name for an address that nobody can turn back, and that is another one tomorrow (UTC)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        network = address
    else:
        bits = IPV6_NETWORK if parsed.version == 6 else parsed.max_prefixlen
        network = str(ipaddress.ip_network((parsed, bits), strict=False))
    today = timezone.now().date()
    return salted_hmac("fundraising.origin", f"{today}:{network}", algorithm="sha256").hexdigest()[
        :32
    ]


def is_reached(campaign: Campaign, origin: str) -> bool:
    """Whether this address, or everybody together on this campaign, has begun enough for now."""
    recent = Donation.objects.filter(created_at__gt=timezone.now() - WINDOW)
    from_here = recent.filter(origin=origin)[:PER_ORIGIN].count()
    return from_here >= PER_ORIGIN or (
        recent.filter(campaign=campaign)[:PER_CAMPAIGN].count() >= PER_CAMPAIGN
    )
