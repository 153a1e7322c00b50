"""A Drop: something passed from one device to another."""

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, User
from drops import signals

MAX_TEXT = 100_000  # characters


def new_public_id() -> str:
    return secrets.token_urlsafe(12)


class DropQuerySet(models.QuerySet["Drop"]):
    def for_user(self, user: User) -> "DropQuerySet":
        """What this person may open: what they sent and what they received."""
        return self.filter(models.Q(recipient=user) | models.Q(sender=user)).select_related(
            "sender_device"
        )


class Drop(models.Model):
    """Text, for now, from one device to the recipient's others."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sent_drops")
    sender_device = models.ForeignKey(
        Device, models.SET_NULL, null=True, blank=True, related_name="sent_drops"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="received_drops"
    )
    text = models.TextField(_("text"), max_length=MAX_TEXT)
    created_at = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True, editable=False)

    objects: ClassVar = DropQuerySet.as_manager()

    class Meta:
        verbose_name = _("Drop")
        verbose_name_plural = _("Drops")
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["recipient", "-created_at"], name="drops_received"),
            models.Index(fields=["sender", "-created_at"], name="drops_sent"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("drops:drop", args=[self.public_id])

    @classmethod
    def send(cls, *, sender: User, recipient: User, text: str, device: Device | None) -> "Drop":
        """Sends ``text``. The Drop and everything that follows from it commit together or not at all."""
        with transaction.atomic():
            drop = cls.objects.create(
                sender=sender, sender_device=device, recipient=recipient, text=text
            )
            signals.drop_received.send_robust(sender=cls, subject=drop, actor=sender, device=device)
        return drop

    def mark_read(self) -> bool:
        """True the first time."""
        return bool(Drop.objects.filter(pk=self.pk, read_at=None).update(read_at=timezone.now()))

    def receivers(self) -> list[User]:
        """Who should know that it has arrived."""
        return [self.recipient]
