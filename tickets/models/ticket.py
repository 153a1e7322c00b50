"""A ticket: a conversation with a customer that arrived by mail."""

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, Organization, User
from tickets import signals
from tickets.models.mailbox import Mailbox
from tickets.models.message import Message
from tickets.models.prefix import TicketPrefix

if TYPE_CHECKING:
    from tickets.mail.parse import Mail
    from tickets.models.raw_mail import RawMail

MAX_TITLE = 300  # characters


class TicketQuerySet(models.QuerySet["Ticket"]):
    def for_user(self, user: User) -> "TicketQuerySet":
        """Those of the organizations that this person is a member of."""
        return self.filter(organization__memberships__user=user)

    def with_status(self, status: str) -> "TicketQuerySet":
        """All of them when ``status`` is none that there is."""
        return self.filter(status=status) if status in Ticket.Status else self

    def search(self, words: str) -> "TicketQuerySet":
        """Those with every word in number, title or requester."""
        found = self
        for word in words.replace("\0", " ").split()[:8]:
            found = found.filter(
                models.Q(number__icontains=word)
                | models.Q(title__icontains=word)
                | models.Q(requester_name__icontains=word)
                | models.Q(requester_address__icontains=word)
            )
        return found

    def before(self, ticket: "Ticket | None") -> "TicketQuerySet":
        """What was touched last comes first, from the one after ``ticket`` on. Its second condition uses the index."""
        rows = self.order_by("-updated_at", "-pk")
        if ticket is None:
            return rows
        same_time = models.Q(updated_at=ticket.updated_at, pk__lt=ticket.pk)
        older = models.Q(updated_at__lt=ticket.updated_at) | same_time
        return rows.filter(older, updated_at__lte=ticket.updated_at)


class Ticket(models.Model):
    """Belongs to an organization; ``requester_address`` is where replies go."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        WAITING = "waiting", _("Waiting")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed")

    class Priority(models.TextChoices):
        LOW = "low", _("Low")
        NORMAL = "normal", _("Normal")
        HIGH = "high", _("High")
        URGENT = "urgent", _("Urgent")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tickets")
    mailbox = models.ForeignKey(
        Mailbox, models.SET_NULL, null=True, blank=True, related_name="tickets"
    )
    number = models.CharField(_("number"), max_length=24, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=MAX_TITLE, blank=True)
    requester_name = models.CharField(_("requester"), max_length=200, blank=True)
    requester_address = models.CharField(_("requester's address"), max_length=254, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    priority = models.CharField(
        _("priority"), max_length=6, choices=Priority, default=Priority.NORMAL
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_tickets",
    )
    created_at = models.DateTimeField(_("opened"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last message"), default=timezone.now, editable=False)

    objects: ClassVar = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes: ClassVar = [
            models.Index(fields=["organization", "-updated_at"], name="tickets_by_time"),
            models.Index(
                fields=["organization", "status", "-updated_at"], name="tickets_by_status"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("tickets:ticket", args=[self.number])

    @property
    def subject_line(self) -> str:
        return self.title or _t("(no subject)")

    @property
    def requester(self) -> str:
        """By name if they gave one."""
        return self.requester_name or self.requester_address or _t("somebody without an address")

    @classmethod
    def open(
        cls,
        mailbox: Mailbox,
        mail: "Mail",
        raw: "RawMail | None" = None,
        *,
        actor: User | None = None,
        device: Device | None = None,
    ) -> "Ticket":
        """A new ticket from a customer's mail. ``actor`` is the agent who let it through, if anybody had to."""
        with transaction.atomic():
            ticket = cls.objects.create(
                organization=mailbox.organization,
                mailbox=mailbox,
                number=TicketPrefix.next_number(mailbox.organization),
                title=mail.subject[:MAX_TITLE],
                requester_name=mail.sender_name,
                requester_address=mail.answer_to,
            )
            Message.receive(ticket, mail, raw, Message.Direction.IN)
            signals.ticket_opened.send_robust(
                sender=cls, subject=ticket, actor=actor, device=device
            )
        return ticket

    def customer_replied(self, mail: "Mail", raw: "RawMail | None" = None) -> Message:
        """A customer's mail to this ticket, which is open again from now on."""
        with transaction.atomic():
            message = Message.receive(self, mail, raw, Message.Direction.IN)
            self._touch(status=self.Status.OPEN)
            signals.customer_replied.send_robust(
                sender=Message, subject=message, actor=None, device=None
            )
        return message

    def attach_automatic(self, mail: "Mail", raw: "RawMail | None" = None) -> Message:
        """A machine's mail: kept with the ticket, and nothing else happens."""
        return Message.receive(self, mail, raw, Message.Direction.AUTOMATIC)

    def reply(
        self,
        author: User,
        text: str,
        *,
        device: Device | None = None,
        client_id: uuid.UUID | None = None,
    ) -> Message:
        """An agent's answer, mailed in the background. The same ``client_id`` again is the same answer, sent once."""
        with transaction.atomic():
            message, is_new = Message.queue(self, author, text, client_id or uuid.uuid4())
            if is_new:
                self._touch(status=self.Status.WAITING)
                signals.ticket_replied.send_robust(
                    sender=Message, subject=message, actor=author, device=device
                )
        return message

    def close(self) -> bool:
        """True the first time. A customer's next mail opens it again."""
        open_ones = Ticket.objects.filter(pk=self.pk).exclude(status=self.Status.CLOSED)
        closed = bool(open_ones.update(status=self.Status.CLOSED))
        self.status = self.Status.CLOSED
        return closed

    def owners(self) -> list[User]:
        """Who should know what happens here: the assignee, else everybody in the organization."""
        people = self.organization.people()
        return [user for user in people if user.pk == self.assignee_id] or people

    def can_be_answered(self) -> bool:
        """Whether there is an address to write to, and one to write from."""
        return bool(self.requester_address and self.mailbox_id)

    def _touch(self, **changes: Any) -> None:
        """A message has come or gone."""
        changes["updated_at"] = timezone.now()
        Ticket.objects.filter(pk=self.pk).update(**changes)
        for name, value in changes.items():
            setattr(self, name, value)
