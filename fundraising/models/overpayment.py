"""Money that came for a donation that was paid already: kept where the owner sees it, never lost."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fundraising.models.donation import Donation
from payments.models import Transaction


class Overpayment(models.Model):
    """A further payment of the donation's amount. It counts in no total: it is to be given back, or asked about."""

    donation = models.ForeignKey(Donation, models.PROTECT, related_name="overpayments")
    key = models.CharField(max_length=80, unique=True, editable=False)
    source = models.CharField(_("how"), max_length=16, choices=Donation.Source)
    transaction = models.ForeignKey(
        Transaction, models.PROTECT, null=True, related_name="overpayments"
    )
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="marked_overpayments"
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        verbose_name = _("overpayment")
        verbose_name_plural = _("overpayments")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.key
