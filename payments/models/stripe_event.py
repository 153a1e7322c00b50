"""Webhooks of Stripe, raw first: what came is kept as it came, and can be run again."""

import json
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StripeEvent(models.Model):
    """One event whose signature was good. Its id is unique: however often it comes, it is one row."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        PROCESSED = "processed", _("Processed")
        IGNORED = "ignored", _("Ignored")
        FAILED = "failed", _("Failed")

    event_id = models.CharField(_("event"), max_length=255, unique=True, editable=False)
    type = models.CharField(_("type"), max_length=120, editable=False)
    body = models.BinaryField(_("body"), editable=False)
    verified_at = models.DateTimeField(_("verified"), default=timezone.now, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=Status, default=Status.RECEIVED, editable=False
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    error = models.TextField(_("note"), blank=True, editable=False)
    processed_at = models.DateTimeField(_("processed"), null=True, editable=False)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    def session_id(self) -> str:
        """The Checkout session that it is about; empty for other objects."""
        data = json.loads(bytes(self.body)).get("data")
        about = data.get("object") if isinstance(data, dict) else None
        if not isinstance(about, dict) or about.get("object") != "checkout.session":
            return ""
        session_id = about.get("id")
        return session_id if isinstance(session_id, str) else ""

    def end(self, status: "StripeEvent.Status", note: str = "") -> None:
        """Records how one attempt at processing it went."""
        StripeEvent.objects.filter(pk=self.pk).update(
            status=status,
            error=note,
            attempts=models.F("attempts") + 1,
            processed_at=None if status == self.Status.FAILED else timezone.now(),
        )
        self.refresh_from_db()
