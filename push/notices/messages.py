"""What each kind says on a lock screen. Pure functions: a signal's subject in, a message out.

Called in the recipient's language. Text that strangers wrote passes through ``one_line``.
"""

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from drops.models import Drop
    from fundraising.models import Donation
    from payments.models import Transaction
    from push.models import Announcement, ServiceState, Subscription
    from push.models.subscription import TestRequest
    from tickets.models import Message as TicketMessage
    from tickets.models import Ticket

TITLE_LENGTH = 80  # characters; lock screens cut earlier
BODY_LENGTH = 240  # characters
# An announcement has no page of its own: what is not said here is said nowhere.
ANNOUNCEMENT_TITLE_LENGTH = 200  # characters
ANNOUNCEMENT_LENGTH = 1000  # characters


@dataclass(frozen=True, slots=True)
class Action:
    """A button on the notification. ``navigate`` is a path of ours: every button opens a page."""

    action: str
    title: str
    navigate: str


@dataclass(frozen=True, slots=True)
class Message:
    """``url`` is the path that a tap opens."""

    title: str
    body: str
    url: str
    actions: tuple[Action, ...] = ()


def one_line(text: str, length: int) -> str:
    """Text fit for a lock screen: no control or direction characters, single spaces, at most ``length`` characters."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text[: length * 8]
    )
    kept = "".join(
        char
        for char in kept
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn") or char == "\u200d"
    )
    line = " ".join(kept.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def ticket_opened(ticket: "Ticket") -> Message:
    requester = one_line(ticket.requester, 60)
    return Message(
        title=one_line(_("New ticket from %(requester)s") % {"requester": requester}, TITLE_LENGTH),
        body=one_line(f"{ticket.number}: {ticket.subject_line}", BODY_LENGTH),
        url=ticket.get_absolute_url(),
    )


def customer_replied(message: "TicketMessage") -> Message:
    words = {"sender": one_line(message.sender, 50), "number": message.ticket.number}
    return Message(
        title=one_line(_("%(sender)s replied in %(number)s") % words, TITLE_LENGTH),
        body=one_line(message.text, BODY_LENGTH) or one_line(message.ticket.title, BODY_LENGTH),
        url=message.ticket.get_absolute_url(),
    )


def drop_received(drop: "Drop") -> Message:
    url = reverse("drops:drop", args=[drop.public_id])
    device = one_line(drop.sender_device.name, 60) if drop.sender_device else _("another device")
    return Message(
        title=one_line(_("Drop from %(device)s") % {"device": device}, TITLE_LENGTH),
        body=one_line(drop.text, BODY_LENGTH),
        url=url,
        actions=(Action("copy", _("Copy"), f"{url}?focus=copy"),),
    )


def payment_paid(transaction: "Transaction") -> Message:
    what = one_line(transaction.description, 120)
    customer = one_line(transaction.customer_email, 80)
    paid = _("%(amount)s paid") if transaction.livemode else _("Test: %(amount)s paid")
    return Message(
        title=paid % {"amount": transaction.amount_text()},
        body=f"{what} · {customer}" if customer else what,
        url=transaction.get_absolute_url(),
    )


def donation_paid(donation: "Donation") -> Message:
    words = {"amount": donation.amount_text(), "name": one_line(donation.public_name(), 40)}
    if words["name"]:
        title = (
            _("%(name)s gave %(amount)s")
            if donation.livemode
            else _("Test: %(name)s gave %(amount)s")
        )
    else:
        title = (
            _("Somebody gave %(amount)s")
            if donation.livemode
            else _("Test: somebody gave %(amount)s")
        )
    return Message(
        title=one_line(title % words, TITLE_LENGTH),
        body=one_line(donation.campaign.title, BODY_LENGTH),
        url=donation.get_absolute_url(),
    )


def service_paused(state: "ServiceState") -> Message:
    return Message(
        title=_("Push to %(service)s is paused") % {"service": state.service},
        body=one_line(
            state.detail or _("The service refuses our messages. No device was removed."),
            BODY_LENGTH,
        ),
        url=reverse("admin:push_servicestate_changelist"),
    )


def announcement(announcement: "Announcement") -> Message:
    return Message(
        title=one_line(announcement.title, ANNOUNCEMENT_TITLE_LENGTH),
        body=one_line(announcement.body, ANNOUNCEMENT_LENGTH),
        url=announcement.url,
    )


def welcome(subscription: "Subscription") -> Message:
    return Message(
        title=_("Push is on"),
        body=_("%(device)s will tell you the moment something happens, even with the page closed.")
        % {"device": one_line(subscription.device.name, 60)},
        url=reverse("push:manage") + "#push",
    )


def test(request: "TestRequest") -> Message:
    return Message(
        title=_("Test notification"),
        body=_("It works: this came the whole way to %(device)s.")
        % {"device": one_line(request.subscription.device.name, 60)},
        url=reverse("push:manage") + "#push",
    )
