"""Push services that are paused, in words for a person whose device hangs on one."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from accounts.models import Device
from push.delivery.endpoints import SERVICE_NAMES
from push.models import Delivery, ServiceState, Subscription

COUNTED = 100
"""Rows of one device that are counted."""


@dataclass(frozen=True, slots=True)
class Pause:
    """``waiting``: messages for one device; ``COUNTED`` stands for as many or more."""

    service: str
    until: datetime
    waiting: int = 0

    @property
    def who(self) -> str:
        """Begins the sentence."""
        if self.service in SERVICE_NAMES:
            return _("%(company)s's push service") % {"company": SERVICE_NAMES[self.service]}
        return _("The push service %(host)s") % {"host": self.service}

    @property
    def until_text(self) -> str:
        """In the person's time zone; with the day where it is another one."""
        until = timezone.localtime(self.until)
        if until.date() == timezone.localdate():
            return str(time_format(until, "TIME_FORMAT"))
        return str(date_format(until, "DATETIME_FORMAT"))


def service_name(service: str) -> str:
    """Whose service it is; one that is not known by name says its host."""
    return SERVICE_NAMES.get(service, service)


def paused_until(service: str) -> Subquery:
    """For a query with a push service in the field ``service``: until when nothing is sent to it, if so."""
    paused = ServiceState.objects.filter(service=OuterRef(service), open_until__gt=timezone.now())
    return Subquery(paused.exclude(reason="").values("open_until"))


def pause_of(device: Device) -> Pause | None:
    """The pause that this device's messages wait for, and how many they are: one query, two in a pause."""
    subscriptions = Subscription.objects.active().filter(device=device)
    until = paused_until("service")
    for service, at in subscriptions.annotate(until=until).values_list("service", "until"):
        if at is not None:
            waiting = Delivery.objects.filter(
                subscription__device=device, state=Delivery.State.PENDING
            )
            return Pause(service, at, waiting.order_by().values("pk")[:COUNTED].count())
    return None
