"""THE CATALOGUE: one row per kind of event that somebody hears of.

To add a kind: a line in the app's ``signals.py``, one send, one row here, one function in
``messages.py`` beside it, one row in ``tests/push/test_kinds.py``. No code asks which kind it has.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import drops.signals
import fundraising.signals
import payments.signals
import tickets.signals
from accounts.models import Device, User
from push import signals
from push.models import Delivery, Notification
from push.notices import messages

Urgency = Delivery.Urgency
Level = Notification.Level


class Group(StrEnum):
    """The headings of the preferences card."""

    PAYMENTS = "payments"
    SUPPORT = "support"
    ACCOUNT = "account"
    SYSTEM = "system"


class Skip(StrEnum):
    """Who is left out."""

    PERSON = "person"  # whoever did it hears nothing
    DEVICE = "device"  # everybody who should know, on every device but the one it was done on
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row. ``who``, ``key``, ``lives`` and ``only`` are given the signal's subject.

    ``key`` makes the event's unique name together with the kind: the same event twice adds nothing.
    ``lives`` is how long a push may wait for a device. ``only`` names the one device that is meant, if any.
    ``bell`` False: pushed, but not listed (welcome, test). ``settled_by`` are the signals, about the same subject,
    after which there is nothing left to look at: the notification counts as read. ``staff_only`` kinds are
    offered to administrators alone. ``for_everybody``: ``who`` is everybody, so the rows are not written at once
    but by a task, in chunks; ``message`` says the same in every language.
    """

    name: str
    label: Promise | str
    group: Group
    signal: Signal
    who: Callable[[Any], Iterable[User]]
    message: Callable[[Any], messages.Message]
    key: Callable[[Any], str]
    lives: Callable[[Any], timedelta]
    urgency: Urgency = Urgency.HIGH
    skip: Skip = Skip.PERSON
    level: Level = Level.INFO
    bell: bool = True
    only: Callable[[Any], Device] | None = None
    settled_by: tuple[Signal, ...] = ()
    staff_only: bool = False
    for_everybody: bool = False

    def event_key(self, subject: Any) -> str:
        return f"{self.name}:{self.key(subject)}"


def days(number: int) -> Callable[[Any], timedelta]:
    return lambda _subject: timedelta(days=number)


def administrators(_subject: Any) -> Iterable[User]:
    return User.objects.filter(is_staff=True, is_active=True)


def everybody(_subject: Any) -> QuerySet[User]:
    return User.objects.filter(is_active=True)


KINDS: tuple[Kind, ...] = (
    Kind(
        name="tickets.opened",
        label=_("A customer writes for the first time"),
        group=Group.SUPPORT,
        signal=tickets.signals.ticket_opened,
        who=lambda ticket: ticket.owners(),
        message=messages.ticket_opened,
        key=lambda ticket: ticket.number,
        lives=days(3),
    ),
    Kind(
        name="tickets.replied",
        label=_("A customer replies in one of your tickets"),
        group=Group.SUPPORT,
        signal=tickets.signals.customer_replied,
        who=lambda message: message.ticket.owners(),
        message=messages.customer_replied,
        key=lambda message: f"{message.ticket.number}:{message.pk}",
        lives=days(3),
    ),
    Kind(
        name="payments.paid",
        label=_("A checkout of yours is paid"),
        group=Group.PAYMENTS,
        signal=payments.signals.transaction_paid,
        who=lambda transaction: transaction.receivers(),
        message=messages.payment_paid,
        key=lambda transaction: transaction.public_id,
        lives=days(7),
        level=Level.SUCCESS,
    ),
    Kind(
        name="fundraising.donation_paid",
        label=_("A donation to a campaign of yours is paid"),
        group=Group.PAYMENTS,
        signal=fundraising.signals.donation_paid,
        who=lambda donation: donation.receivers(),
        message=messages.donation_paid,
        key=lambda donation: donation.public_id,
        lives=days(7),
        skip=Skip.DEVICE,
        level=Level.SUCCESS,
    ),
    Kind(
        name="drops.received",
        label=_("A Drop arrives from another device"),
        group=Group.ACCOUNT,
        signal=drops.signals.drop_received,
        who=lambda drop: drop.receivers(),
        message=messages.drop_received,
        key=lambda drop: drop.public_id,
        lives=days(7),
        skip=Skip.DEVICE,
        settled_by=(drops.signals.drop_read, drops.signals.drop_deleted),
    ),
    Kind(
        name="push.announcement",
        label=_("An administrator announces something to everybody"),
        group=Group.SYSTEM,
        signal=signals.announced,
        who=everybody,
        message=messages.announcement,
        key=lambda announcement: announcement.public_id,
        lives=lambda announcement: announcement.remaining(),
        urgency=Urgency.LOW,
        skip=Skip.NOBODY,
        for_everybody=True,
    ),
    Kind(
        name="push.service_failing",
        label=_("A push service refuses our messages"),
        group=Group.SYSTEM,
        signal=signals.service_paused,
        who=administrators,
        message=messages.service_paused,
        key=lambda state: f"{state.service[:80]}:{state.opened_at:%Y%m%d%H%M%S}",
        lives=days(1),
        urgency=Urgency.NORMAL,
        level=Level.ERROR,
        staff_only=True,
    ),
    Kind(
        name="push.welcome",
        label=_("Push has been turned on"),
        group=Group.SYSTEM,
        signal=signals.subscribed,
        who=lambda subscription: [subscription.user],
        message=messages.welcome,
        key=lambda subscription: f"{subscription.pk}:{subscription.created_at:%Y%m%d%H%M%S%f}",
        lives=lambda _subject: timedelta(minutes=10),
        skip=Skip.NOBODY,
        level=Level.SUCCESS,
        bell=False,
        only=lambda subscription: subscription.device,
    ),
    Kind(
        name="push.test",
        label=_("A test that you send yourself"),
        group=Group.SYSTEM,
        signal=signals.test_requested,
        who=lambda test: [test.subscription.user],
        message=messages.test,
        key=lambda test: test.key,
        lives=lambda _subject: timedelta(minutes=10),
        skip=Skip.NOBODY,
        bell=False,
        only=lambda test: test.subscription.device,
    ),
)

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
