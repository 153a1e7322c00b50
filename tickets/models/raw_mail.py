"""Mail as it came: kept before anything looks at it, so that whatever happens next can be done again."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tickets.mail import identity
from tickets.models.mailbox import Mailbox

if TYPE_CHECKING:
    from tickets.mail.parse import Mail
    from tickets.models.ticket import Ticket


class RawMailQuerySet(models.QuerySet["RawMail"]):
    def for_user(self, user: User) -> "RawMailQuerySet":
        return self.filter(mailbox__organization__memberships__user=user).defer("raw")

    def held_back(self) -> "RawMailQuerySet":
        """What is in no ticket: somebody may want to look at it."""
        return self.filter(ticket=None, status__in=RawMail.HELD_BACK)


class RawMail(models.Model):
    """One mail of one mailbox. Its key makes the same mail, delivered twice, one row."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        TICKET = "ticket", _("Opened a ticket")
        REPLY = "reply", _("Reply")
        AUTOMATIC = "automatic", _("Automatic")
        QUARANTINED = "quarantined", _("Quarantined")
        UNPROCESSABLE = "unprocessable", _("Could not be processed")

    HELD_BACK: ClassVar = (Status.AUTOMATIC, Status.QUARANTINED, Status.UNPROCESSABLE)

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="raw_mails")
    raw = models.BinaryField()
    size = models.PositiveIntegerField(_("size in bytes"))
    message_id = models.CharField(max_length=500, blank=True, editable=False)
    content_hash = models.CharField(max_length=64, editable=False)
    status = models.CharField(
        _("status"), max_length=13, choices=Status, default=Status.RECEIVED, editable=False
    )
    sender = models.CharField(_("from"), max_length=254, blank=True, editable=False)
    subject = models.CharField(_("subject"), max_length=300, blank=True, editable=False)
    error = models.TextField(_("reason"), blank=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    duplicates = models.PositiveIntegerField(_("came again"), default=0, editable=False)
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)
    ticket = models.ForeignKey(
        "tickets.Ticket", models.SET_NULL, null=True, blank=True, related_name="raw_mails"
    )

    objects: ClassVar = RawMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("raw mail")
        verbose_name_plural = _("raw mail")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["mailbox", "message_id", "content_hash"], name="one_row_per_mail"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["mailbox", "-received_at"], name="raw_mail_by_time"),
            models.Index(
                fields=["received_at"],
                name="raw_mail_waiting",
                condition=models.Q(status="received"),
            ),
            models.Index(
                fields=["mailbox", "-received_at"],
                name="raw_mail_held_back",
                condition=models.Q(
                    ticket=None, status__in=["automatic", "quarantined", "unprocessable"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @classmethod
    def keep(cls, mailbox: Mailbox, raw: bytes) -> tuple["RawMail", bool]:
        """The row of this mail, committed, and whether it is new; a mail that was here is counted."""
        message_id, content_hash = identity.of(raw)
        with transaction.atomic(durable=True):
            row, is_new = cls.objects.defer("raw").get_or_create(
                mailbox=mailbox,
                message_id=message_id,
                content_hash=content_hash,
                defaults={"raw": raw, "size": len(raw)},
            )
            if not is_new:
                cls.objects.filter(pk=row.pk).update(duplicates=F("duplicates") + 1)
        return row, is_new

    def claim(self, *statuses: str) -> bool:
        """Takes the row for the rest of the transaction, if it still has one of these statuses.

        Whoever else tries waits for that transaction, and then finds another status.
        """
        mine = RawMail.objects.filter(pk=self.pk, status__in=statuses, ticket=None)
        return bool(mine.update(attempts=F("attempts") + 1))

    def settle(
        self, mail: "Mail", status: str, ticket: "Ticket | None" = None, error: str = ""
    ) -> None:
        """What has become of it."""
        self.status, self.ticket, self.error = status, ticket, error[:2000]
        self.sender, self.subject = mail.sender_address, mail.subject
        self.save(update_fields=["status", "ticket", "error", "sender", "subject"])

    def give_up(self, reason: str) -> None:
        """It could not be processed; it stays to be looked at and can be run again."""
        still = RawMail.objects.filter(
            pk=self.pk, ticket=None, status__in=(self.Status.RECEIVED, self.Status.UNPROCESSABLE)
        )
        still.update(
            status=self.Status.UNPROCESSABLE, error=reason[:2000], attempts=F("attempts") + 1
        )
        self.refresh_from_db(fields=["status", "error", "attempts"])
