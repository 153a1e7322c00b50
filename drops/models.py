"""A Drop: something passed from one device to another."""

import secrets
import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Left, Length
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, User
from drops import signals

MAX_TEXT = 100_000  # characters
PREVIEW = 280  # characters


def new_public_id() -> str:
    return secrets.token_urlsafe(12)


class DropQuerySet(models.QuerySet["Drop"]):
    def for_user(self, user: User) -> "DropQuerySet":
        """What this person may open: what they sent and what they received."""
        return self.filter(models.Q(recipient=user) | models.Q(sender=user)).select_related(
            "sender_device"
        )

    def previews(self) -> "DropQuerySet":
        """Without the texts, which may be long: with their beginnings as ``preview`` and their ``length``."""
        return self.defer("text").annotate(preview=Left("text", PREVIEW), length=Length("text"))

    def before(self, drop: "Drop | None") -> "DropQuerySet":
        """Newest first, from the one after ``drop`` on. Its second condition is the one an index can use."""
        if drop is None:
            return self.order_by("-created_at", "-pk")
        older = models.Q(created_at__lt=drop.created_at) | models.Q(pk__lt=drop.pk)
        return self.filter(older, created_at__lte=drop.created_at).order_by("-created_at", "-pk")

    def unread(self, user: User, device: Device | None) -> "DropQuerySet":
        """What this person has not opened yet, but for what was sent from this very device."""
        rows = self.filter(recipient=user, read_at=None)
        return rows if device is None else rows.exclude(sender_device=device)


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
    client_id = models.UUIDField(null=True, blank=True, editable=False)
    text = models.TextField(_("text"), max_length=MAX_TEXT)
    created_at = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True, editable=False)

    objects: ClassVar = DropQuerySet.as_manager()

    class Meta:
        verbose_name = _("Drop")
        verbose_name_plural = _("Drops")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sender", "client_id"], name="one_drop_per_sender_and_client_id"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["recipient", "-created_at"], name="drops_received"),
            models.Index(
                fields=["recipient"], name="drops_unread", condition=models.Q(read_at__isnull=True)
            ),
            models.Index(fields=["sender", "-created_at"], name="drops_sent"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("drops:drop", args=[self.public_id])

    @classmethod
    def send(
        cls,
        *,
        sender: User,
        recipient: User,
        text: str,
        device: Device | None,
        client_id: uuid.UUID | None = None,
    ) -> "Drop":
        """Sends ``text``. The Drop and everything that follows from it commit together or not at all.

        ``client_id`` is made where the text was written: the same one again is the same Drop, sent
        once. With another text it is another Drop: the Back button brings old forms back.
        """
        with transaction.atomic():
            drop, is_new = cls.objects.get_or_create(
                sender=sender,
                client_id=client_id or uuid.uuid4(),
                defaults={"sender_device": device, "recipient": recipient, "text": text},
            )
            if is_new:
                signals.drop_received.send_robust(
                    sender=cls, subject=drop, actor=sender, device=device
                )
        if drop.text != text:
            return cls.send(sender=sender, recipient=recipient, text=text, device=device)
        return drop

    @classmethod
    def page(cls, user: User, before: "Drop | None", size: int) -> "tuple[list[Drop], bool]":
        """``size`` Drops of this person, sent and received in one list, newest first, and whether there are more.

        Each side comes from its own index: an OR over both would read and sort everything.
        """
        rows: dict[int, Drop] = {}
        for side in ({"recipient": user}, {"sender": user}):
            drops = (
                cls.objects.filter(**side).before(before).previews().select_related("sender_device")
            )
            rows |= {drop.pk: drop for drop in drops[: size + 1]}
        newest_first = sorted(
            rows.values(), key=lambda drop: (drop.created_at, drop.pk), reverse=True
        )
        return newest_first[:size], len(newest_first) > size

    def mark_read(self, actor: User, device: Device | None) -> bool:
        """True the first time."""
        now = timezone.now()
        with transaction.atomic():
            first = bool(Drop.objects.filter(pk=self.pk, read_at=None).update(read_at=now))
            if first:
                self.read_at = now
                signals.drop_read.send_robust(sender=Drop, subject=self, actor=actor, device=device)
        return first

    def remove(self, actor: User, device: Device | None) -> None:
        """Deletes the Drop on every device. Deleting what is deleted already changes nothing."""
        with transaction.atomic():
            if Drop.objects.filter(pk=self.pk).delete()[0]:
                signals.drop_deleted.send_robust(
                    sender=Drop, subject=self, actor=actor, device=device
                )

    def is_unread_for(self, user: User, device: Device | None) -> bool:
        """Unread by this person, and not sent from the device that they hold in their hand."""
        sent_here = device is not None and self.sender_device_id == device.pk
        return self.read_at is None and self.recipient_id == user.pk and not sent_here

    def receivers(self) -> list[User]:
        """Who should know that it has arrived."""
        return [self.recipient]
