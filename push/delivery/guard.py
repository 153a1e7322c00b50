"""When many devices fail at once the fault is ours or the service's, not the devices'.

A wrong clock, key or restored backup must not delete rows: the verdicts here tell apart one dead
browser from a failure of all of them. Read-only; ``outcomes.py`` acts on the verdicts.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Max, Q

from push.models import Subscription

MIN_DEVICES = 10
"""So many devices gone, at least, …"""

MIN_SHARE = 0.3
"""… and this share of a service's live ones, …"""

WINDOW = timedelta(minutes=10)
"""… within this time: then none of them is believed to be gone."""

_GONE = (404, 410)
_REFUSED = (400, 401, 403)


def is_mass_death(service: str, dead: Collection[int], now: datetime) -> bool:
    """Would these subscriptions, marked gone too, make the death of too many at once?

    Those count as well that were said to be gone and were not believed, until they are heard of again:
    one that works among them does not make the others' death believable.
    """
    since = now - WINDOW
    others = Subscription.objects.filter(service=service).exclude(pk__in=dead)
    marked = Q(state=Subscription.State.GONE)
    said = Q(last_error_status__in=_GONE, last_error_at__gt=since) & ~marked
    gone = others.filter(said | (marked & Q(gone_at__gt=since))).count() + len(dead)
    if gone < MIN_DEVICES:
        return False
    live = others.exclude(marked | said).count() + gone
    return gone >= MIN_SHARE * live


def gone_in_window(service: str, now: datetime) -> list[int]:
    """The subscriptions of a service that were marked gone within the last ten minutes."""
    gone = Subscription.objects.filter(service=service, state=Subscription.State.GONE)
    return list(gone.filter(gone_at__gt=now - WINDOW).values_list("pk", flat=True))


def is_server_fault(service: str, key_id: str, refused: Collection[int]) -> bool:
    """Were two or more devices of one service and key refused, with no success between?"""
    if len(refused) >= 2:
        return True
    same = Subscription.objects.filter(service=service, key_id=key_id)
    before = same.filter(refusals__gt=0).exclude(pk__in=refused)
    refused_at = before.aggregate(at=Max("last_error_at"))["at"]
    return refused_at is not None and not same.filter(last_accepted_at__gt=refused_at).exists()


def wrongly_blamed(service: str, key_id: str, now: datetime) -> list[int]:
    """The subscriptions set aside for a refusal within the last ten minutes."""
    stale = Subscription.objects.filter(
        service=service, key_id=key_id, state=Subscription.State.STALE, refusals__gt=0
    )
    recent = stale.filter(last_error_status__in=_REFUSED, last_error_at__gt=now - WINDOW)
    return list(recent.values_list("pk", flat=True))
