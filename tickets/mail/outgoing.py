"""An agent's answer as a mail, and what became of it."""

import logging
import smtplib
from datetime import timedelta
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.policy import Policy, default
from typing import Any

from django.core.mail import EmailMessage, mailers
from django.utils.translation import gettext as _

from tickets.mail import tokens, words
from tickets.mail.automatic import LOOP_HEADER
from tickets.models import Message

MAX_REFERENCES = 20
DELAYS = (*(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)), *[timedelta(hours=3)] * 7)
"""After each attempt that certainly delivered nothing: a day in all."""

logger = logging.getLogger(__name__)


class MessageIds(UnstructuredHeader):
    """Message-IDs, one a line. Python's own folding encodes those that are longer than a line, and threads break."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {f'{policy.linesep} '.join(self.split())}{policy.linesep}"  # type: ignore[attr-defined]


class TicketEmail(EmailMessage):
    """Django's, with Message-IDs that stay whole."""

    def message(self, *, policy: "Policy[Any] | None" = None) -> Any:
        chosen: Any = policy or default
        registry: Any = HeaderRegistry()
        for name in ("message-id", "in-reply-to", "references"):
            registry.map_to_type(name, MessageIds)
        return super().message(policy=chosen.clone(header_factory=registry))


def send(message_key: int) -> None:
    """Sends the answer if it waits for that. It goes out once, however often this is called.

    Before the mail server took the connection nothing can have gone out, and a temporary refusal (4xx) says so:
    both are tried again. When the line breaks in between, nobody knows; a person decides then.
    """
    message = Message.objects.select_related("ticket__mailbox__organization").get(pk=message_key)
    if not message.claim():
        return
    try:
        mail = compose(message)
    except ValueError as error:  # an address that no mail can be sent to
        message.mark_failed(str(error))
        return
    _hand_over(message, mail)


def compose(message: Message) -> TicketEmail:
    """Raises ``ValueError`` when the ticket has no mailbox any more, or an address is none."""
    ticket, mailbox = message.ticket, message.ticket.mailbox
    if mailbox is None or not ticket.requester_address:
        raise ValueError(_("There is no mailbox any more to send this from."))
    subject = words.one_line(ticket.subject_line, 200)
    headers = {
        "Message-ID": message.message_id,
        LOOP_HEADER: tokens.loop_mark(mailbox.pk),
    }
    if message.in_reply_to:
        headers["In-Reply-To"] = message.in_reply_to
    if references := _references(message):
        headers["References"] = " ".join(references)
    return TicketEmail(
        subject=f"Re: {subject} [{ticket.number}]",
        body=message.text,
        from_email=_mailbox(mailbox.display_name, mailbox.address),
        to=[_mailbox(ticket.requester_name, ticket.requester_address)],
        reply_to=[tokens.reply_address(ticket.pk, mailbox.address)],
        headers=headers,
    )


def _mailbox(name: str, address: str) -> str:
    """``Name <address>`` with the name quoted as it must be."""
    local, _at, domain = address.rpartition("@")
    return str(Address(words.one_line(name, 100), local, domain))


def _references(message: Message) -> list[str]:
    """The thread's first id and the newest ones, oldest first (RFC 5322 section 3.6.4)."""
    earlier = message.ticket.messages.filter(created_at__lte=message.created_at, pk__lt=message.pk)
    rows = earlier.exclude(message_id="").exclude(direction=Message.Direction.AUTOMATIC)
    ids = list(rows.order_by("created_at", "pk").values_list("message_id", flat=True))
    whole = [one for one in dict.fromkeys(ids) if one.startswith("<") and one.endswith(">")]
    return whole if len(whole) <= MAX_REFERENCES else whole[:1] + whole[1 - MAX_REFERENCES :]


def _hand_over(message: Message, mail: TicketEmail) -> None:
    connection = mailers.default
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        _try_later(message, _words(error))
        return
    try:
        connection.send_messages([mail])
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        (_try_later if _code(error) < 500 else _give_up)(message, _words(error))
    except ValueError as error:
        _give_up(message, str(error))
    except (OSError, smtplib.SMTPException) as error:
        _give_up(message, f"{interrupted()} ({_words(error)})")
    else:
        message.mark_sent()
    finally:
        _close(connection)


def _try_later(message: Message, error: str) -> None:
    logger.warning("Reply %d has not been sent yet: %s", message.pk, error)
    if message.attempts > len(DELAYS):
        message.mark_failed(error)
    else:
        message.retry_later(error, DELAYS[message.attempts - 1])


def _give_up(message: Message, error: str) -> None:
    logger.warning("Reply %d could not be sent: %s", message.pk, error)
    message.mark_failed(error)


def interrupted() -> str:
    """What the agent reads where a sending has no known end."""
    return _(
        "The sending was interrupted, and nobody knows whether the mail went out. Ask, or send it again."
    )


def _code(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> int:
    """The mail server's answer (RFC 5321 section 4.2): 4xx not now, 5xx never."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _said in error.recipients.values()), default=500)
    return error.smtp_code


def _words(error: Exception) -> str:
    """The mail server's own words where there are any."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = [f"{code} {words.to_text(text)}" for code, text in error.recipients.values()]
        return "; ".join(said)
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {words.to_text(text) if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__


def _close(connection: Any) -> None:
    """The mail is gone or it is not; how the line ends no longer matters."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        logger.info("The mail server closed the line first", exc_info=True)
