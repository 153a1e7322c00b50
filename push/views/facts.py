"""What the server knows about push on one device. Pages and JSON answers carry the same shape."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Device, DeviceEvent
from push.delivery.vapid import keyring
from push.models import Preference, Subscription

MAX_REPAIRS = 3
REPAIR_WINDOW = timedelta(hours=24)
DISMISSAL = timedelta(days=30)

SUBSCRIBED = "push_subscribed"
REPAIRED = "push_repaired"
DISMISSED = "push_banner_dismissed"


@dataclass(frozen=True, slots=True)
class Facts:
    """``state`` is a ``Subscription.State`` or "none"; ``current`` is whether its VAPID key is the one in use.

    ``since`` and ``delivered`` are texts in the person's language and time zone, empty when there is nothing to say.
    """

    device: str
    name: str
    wanted: bool
    master: bool
    state: str
    hash: str
    current: bool
    others: int
    repairs_left: int
    dismissed: bool
    since: str
    delivered: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def facts_of(device: Device) -> Facts:
    """One query."""
    row = _rows(device).get()
    ring = keyring()
    key_id = row["subscription__key_id"]
    return Facts(
        device=row["public_id"],
        name=row["name"],
        wanted=row["push_wanted"],
        master=row["master"],
        state=row["subscription__state"] or "none",
        hash=row["subscription__endpoint_hash"] or "",
        current=ring.current is not None and key_id == ring.current.key_id,
        others=row["others"],
        repairs_left=max(0, MAX_REPAIRS - row["repairs"]),
        dismissed=row["dismissed"],
        since=_day(row["subscription__created_at"]),
        delivered=_ago(row["subscription__last_accepted_at"]),
    )


def _rows(device: Device) -> QuerySet[Device, dict[str, Any]]:
    now = timezone.now()
    events = DeviceEvent.objects.filter(device=OuterRef("pk")).order_by()
    repairs = events.filter(what=REPAIRED, at__gt=now - REPAIR_WINDOW).values("device")
    others = (
        Subscription.objects.active()
        .filter(user=OuterRef("user"))
        .exclude(device=OuterRef("pk"))
        .order_by()
    )
    rows: QuerySet[Device, dict[str, Any]] = (
        Device.objects.filter(pk=device.pk)
        .annotate(
            master=Exists(Preference.objects.filter(user=OuterRef("user"), push_enabled=True)),
            repairs=Coalesce(Subquery(repairs.annotate(n=Count("pk")).values("n")), 0),
            others=Coalesce(Subquery(others.values("user").annotate(n=Count("pk")).values("n")), 0),
            dismissed=Exists(events.filter(what=DISMISSED, at__gt=now - DISMISSAL)),
        )
        .values(
            *("public_id", "name", "push_wanted", "master", "repairs", "others", "dismissed"),
            *(
                f"subscription__{name}"
                for name in ("state", "endpoint_hash", "key_id", "created_at", "last_accepted_at")
            ),
        )
    )
    return rows


def _day(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "DATE_FORMAT") if at else ""


def _ago(at: datetime | None) -> str:
    return str(naturaltime(at)) if at else ""
