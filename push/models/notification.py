"""What is said to one person about one event, frozen when it is written."""

import secrets
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Device

if TYPE_CHECKING:
    from accounts.models import User


def new_public_id() -> str:
    return secrets.token_hex(12)


class NotificationQuerySet(models.QuerySet["Notification"]):
    def bell(self, user: "User") -> "NotificationQuerySet":
        """What this person sees in the bell and on the page, newest first."""
        return self.filter(user=user, in_bell=True).order_by("-created_at", "-pk")

    def unread(self, device: "Device | None" = None) -> "NotificationQuerySet":
        """Not read yet. On the device that an event was caused on, its row counts as read."""
        rows = self.filter(read_at=None)
        return (
            rows
            if device is None
            else rows.filter(~models.Q(device=device) | models.Q(device=None))
        )

    def mark_read(self) -> int:
        """How many became read just now. Pushes of them that have not gone out are dropped when they come up."""
        return self.filter(read_at=None).update(read_at=timezone.now())


class Notification(models.Model):
    """One per person and event: ``event_key`` is unique with the person, so a replay adds nothing."""

    class Level(models.TextChoices):
        INFO = "info", _("information")
        SUCCESS = "success", _("success")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    kind = models.CharField(max_length=60)
    event_key = models.CharField(max_length=120)
    level = models.CharField(max_length=8, choices=Level, default=Level.INFO)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=500)
    device = models.ForeignKey(
        Device,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("caused the event"),
    )
    actions = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=12, default="en")
    in_bell = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)
    announcement = models.ForeignKey(
        "push.Announcement",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="notifications",
        db_index=False,
    )

    objects: ClassVar = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "event_key"], name="one_notification_per_person_and_event"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["user", "-created_at", "-id"],
                name="bell_list",
                condition=models.Q(in_bell=True),
            ),
            models.Index(
                fields=["user"],
                name="bell_unread",
                condition=models.Q(in_bell=True, read_at__isnull=True),
            ),
            models.Index(
                fields=["announcement", "user"],
                name="notifications_announced",
                condition=models.Q(announcement__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
