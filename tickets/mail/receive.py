"""The one door for mail, whichever way it came: ``receive(mailbox, raw)``."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from tickets.mail import automatic, tokens
from tickets.mail.parse import Mail, parse
from tickets.models import Message, RawMail, Ticket

if TYPE_CHECKING:
    from accounts.models import Device, User
    from tickets.models import Mailbox

MAX_SIZE = 25 * 1024 * 1024  # bytes
Status = RawMail.Status

logger = logging.getLogger(__name__)


class Kind(StrEnum):
    """What became of a mail."""

    TICKET = "ticket"
    REPLY = "reply"
    AUTOMATIC = "automatic"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    UNPROCESSABLE = "unprocessable"


@dataclass(frozen=True, slots=True)
class Received:
    """``number`` is the ticket's; empty when the mail is in none."""

    kind: Kind
    number: str = ""


def receive(mailbox: "Mailbox", raw: bytes) -> Received:
    """Keeps the mail, then sees what it is. Its content never makes this fail; a database that is away does.

    A mail that was kept but not processed when it came before is processed now.
    """
    row, _is_new = RawMail.keep(mailbox, raw)
    return process(row, raw, Status.RECEIVED)


def process_again(row: RawMail) -> Received:
    """Another try with what could not be processed, or was kept and never looked at."""
    return process(row, bytes(row.raw), Status.RECEIVED, Status.UNPROCESSABLE)


def process(row: RawMail, raw: bytes, *statuses: str) -> Received:
    """Files the mail into a ticket if the row still has one of ``statuses``; if not, it is a duplicate."""
    try:
        mail = parse(raw)
        with transaction.atomic():
            if not row.claim(*statuses):
                return Received(Kind.DUPLICATE, _number_of(row))
            return _file(row, mail, raw)
    except OperationalError:
        raise  # says nothing about the mail: the row waits and is processed later
    except Exception as error:
        logger.exception("Raw mail %d could not be processed", row.pk)
        row.give_up(f"{type(error).__name__}: {error}".replace("\0", ""))
        return Received(Kind.UNPROCESSABLE)


def release(row: RawMail, actor: "User", device: "Device | None") -> Ticket | None:
    """An agent makes a ticket of what was held back. None when somebody else has done so already."""
    with transaction.atomic():
        if not row.claim(*RawMail.HELD_BACK):
            return None
        mail = parse(bytes(row.raw))
        ticket = Ticket.open(row.mailbox, mail, row, actor=actor, device=device)
        row.settle(mail, Status.TICKET, ticket)
        return ticket


def _file(row: RawMail, mail: Mail, raw: bytes) -> Received:
    """Where the mail belongs: a machine's, nobody's, a reply, or a new ticket."""
    if why := automatic.reason(mail, row.mailbox_id):
        return _file_automatic(row, mail, raw, why)
    if not mail.sender_address:
        row.settle(mail, Status.QUARANTINED, error=_("It names no sender."))
        return Received(Kind.QUARANTINED)
    ticket = _ticket_of(row, mail)
    if ticket is not None:
        ticket.customer_replied(mail, row)
        row.settle(mail, Status.REPLY, ticket)
        return Received(Kind.REPLY, ticket.number)
    ticket = Ticket.open(row.mailbox, mail, row)
    row.settle(mail, Status.TICKET, ticket)
    return Received(Kind.TICKET, ticket.number)


def _file_automatic(row: RawMail, mail: Mail, raw: bytes, why: str) -> Received:
    returned = automatic.returned_ids(raw)
    ticket = _ticket_of(row, mail) or _find(row, [key for key, _message_id in returned])
    if ticket is None:
        row.settle(mail, Status.AUTOMATIC, error=why)
        return Received(Kind.AUTOMATIC)
    if said := automatic.bounced(mail, raw):
        ids = [message_id for key, message_id in returned if key == ticket.pk]
        for message in ticket.messages.filter(message_id__in=ids, direction=Message.Direction.OUT):
            message.mark_bounced(said)
    ticket.attach_automatic(mail, row)
    row.settle(mail, Status.AUTOMATIC, ticket, why)
    return Received(Kind.AUTOMATIC, ticket.number)


def _ticket_of(row: RawMail, mail: Mail) -> Ticket | None:
    """By our signed token alone: in the ids that it answers, newest first, or in an address that it was sent to.

    A number in the subject proves nothing: anybody can write it there.
    """
    answered = [key for key, _message_id in reversed(tokens.in_message_ids(mail.references))]
    return _find(row, [*answered, *tokens.in_addresses(mail.recipients)])


def _find(row: RawMail, keys: list[int]) -> Ticket | None:
    """The first of these that is a ticket of the mailbox's organization."""
    wanted = list(dict.fromkeys(keys))[:50]
    tickets = Ticket.objects.filter(pk__in=wanted, organization=row.mailbox.organization_id)
    found = {ticket.pk: ticket for ticket in tickets}
    return next((found[key] for key in wanted if key in found), None)


def _number_of(row: RawMail) -> str:
    row.refresh_from_db(fields=["status", "ticket"])
    return row.ticket.number if row.ticket else ""
