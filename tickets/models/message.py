"""What is said in a ticket, by either side or by a machine."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tickets.mail import tokens

if TYPE_CHECKING:
    from tickets.mail.parse import Mail
    from tickets.models.raw_mail import RawMail
    from tickets.models.ticket import Ticket

MAX_REPLY = 100_000  # characters


class MessageQuerySet(models.QuerySet["Message"]):
    def conversation(self) -> "MessageQuerySet":
        """By receipt: what a mail claims as its date is not to be trusted."""
        return self.select_related("author").order_by("created_at", "pk")


class Message(models.Model):
    """``in`` from a customer, ``out`` from an agent, ``automatic`` from a machine."""

    class Direction(models.TextChoices):
        IN = "in", _("From a customer")
        OUT = "out", _("From us")
        AUTOMATIC = "automatic", _("Automatic")

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    ticket = models.ForeignKey("tickets.Ticket", models.CASCADE, related_name="messages")
    direction = models.CharField(_("direction"), max_length=9, choices=Direction)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="ticket_messages",
    )
    client_id = models.UUIDField(null=True, blank=True, editable=False)
    sender_name = models.CharField(_("sender"), max_length=200, blank=True)
    sender_address = models.CharField(_("sender's address"), max_length=254, blank=True)
    text = models.TextField(_("text"), blank=True)
    message_id = models.CharField(max_length=500, blank=True, editable=False)
    in_reply_to = models.CharField(max_length=500, blank=True, editable=False)
    raw = models.OneToOneField(
        "tickets.RawMail", models.SET_NULL, null=True, blank=True, related_name="message"
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RECEIVED)
    error = models.TextField(_("error"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)
    state_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket", "client_id"], name="one_reply_per_ticket_and_client_id"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["ticket", "created_at"], name="ticket_messages_by_time"),
            models.Index(fields=["message_id"], name="ticket_messages_by_id"),
            models.Index(
                fields=["state_at"],
                name="ticket_messages_sending",
                condition=models.Q(state="sending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.pk}"

    def get_absolute_url(self) -> str:
        return f"{reverse('tickets:ticket', args=[self.ticket.number])}#message-{self.pk}"

    @property
    def sender(self) -> str:
        """By name if there is one."""
        return self.sender_name or self.sender_address

    @property
    def is_from_requester(self) -> bool:
        """A valid token proves the thread, not the person."""
        return self.sender_address == self.ticket.requester_address

    @classmethod
    def receive(
        cls, ticket: "Ticket", mail: "Mail", raw: "RawMail | None", direction: "Message.Direction"
    ) -> "Message":
        """What a mail says, as a message of ``ticket``."""
        message: Message = cls.objects.create(
            ticket=ticket,
            direction=direction,
            sender_name=mail.sender_name,
            sender_address=mail.sender_address,
            text=mail.text,
            message_id=mail.message_id,
            in_reply_to=mail.in_reply_to,
            raw=raw,
        )
        return message

    @classmethod
    def queue(
        cls, ticket: "Ticket", author: User, text: str, client_id: uuid.UUID
    ) -> "tuple[Message, bool]":
        """An answer that waits for the mail server, and whether it is new. Its task commits with it.

        Raises ``ValueError`` for a ticket without a mailbox.
        """
        mailbox = ticket.mailbox
        if mailbox is None:
            raise ValueError(f"{ticket} has no mailbox to answer from.")
        received = ticket.messages.filter(direction=cls.Direction.IN).exclude(message_id="")
        last = received.order_by("-created_at", "-pk").first()
        message, is_new = cls.objects.get_or_create(
            ticket=ticket,
            client_id=client_id,
            defaults={
                "direction": cls.Direction.OUT,
                "author": author,
                "sender_name": mailbox.display_name,
                "sender_address": mailbox.address,
                "text": text,
                "message_id": tokens.new_message_id(ticket.pk, mailbox.address),
                "in_reply_to": last.message_id if last else "",
                "state": cls.State.QUEUED,
            },
        )
        if is_new:
            message._enqueue()
        return message, is_new

    def claim(self) -> bool:
        """Takes the message for sending. Only one of many who try gets it, and only once."""
        return self._change(
            self.State.QUEUED, self.State.SENDING, attempts=F("attempts") + 1, error=""
        )

    def mark_sent(self) -> bool:
        return self._change(self.State.SENDING, self.State.SENT)

    def mark_failed(self, error: str) -> bool:
        """Nobody tries again by themselves; the agent sees why."""
        return self._change(self.State.SENDING, self.State.FAILED, error=error)

    def retry_later(self, error: str, delay: timedelta) -> None:
        """It has certainly not gone out: it will be tried again after ``delay``."""
        with transaction.atomic():
            if self._change(self.State.SENDING, self.State.QUEUED, error=error):
                self._enqueue(delay)

    def send_again(self) -> bool:
        """A person decides that what has failed goes out after all. False when it has not failed."""
        with transaction.atomic():
            again = self._change(self.State.FAILED, self.State.QUEUED, attempts=0, error="")
            if again:
                self._enqueue()
        return again

    def mark_bounced(self, error: str) -> bool:
        """A mail server further on has given it back."""
        return self._change(self.State.SENT, self.State.FAILED, error=error)

    def _change(self, before: str, after: str, **values: object) -> bool:
        mine = Message.objects.filter(pk=self.pk, state=before)
        changed = mine.update(state=after, state_at=timezone.now(), **values)
        if changed:
            self.refresh_from_db(fields=["state", "state_at", "attempts", "error"])
        return bool(changed)

    def _enqueue(self, delay: timedelta = timedelta(0)) -> None:
        from tickets.tasks import send_reply

        task = send_reply.using(run_after=timezone.now() + delay) if delay else send_reply
        task.enqueue(self.pk)
