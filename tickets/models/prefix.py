"""Ticket numbers: a prefix belongs to one organization for ever, so a number names one ticket."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization

FIRST_PREFIX = "TKT"


class TicketPrefix(models.Model):
    """``current`` numbers new tickets; past ones stay taken, even when their organization is gone."""

    organization = models.ForeignKey(
        Organization, models.SET_NULL, null=True, blank=True, related_name="ticket_prefixes"
    )
    prefix = models.CharField(
        _("prefix"),
        max_length=10,
        validators=[
            RegexValidator(
                r"\A[A-Z][A-Z0-9]*\Z", _("Use capital letters and digits, a letter first.")
            )
        ],
    )
    current = models.BooleanField(_("current"), default=True)
    last_number = models.PositiveIntegerField(_("last number"), default=0)

    objects: ClassVar[models.Manager["TicketPrefix"]] = models.Manager()

    class Meta:
        verbose_name = _("ticket prefix")
        verbose_name_plural = _("ticket prefixes")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("prefix"), name="one_organization_per_ticket_prefix"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(current=True),
                name="one_current_ticket_prefix_per_organization",
            ),
        ]

    def __str__(self) -> str:
        return self.prefix

    @classmethod
    def next_number(cls, organization: Organization) -> str:
        """The organization's next ticket number, like ``TKT-001``.

        One conditional UPDATE takes it and keeps the row locked until the transaction ends: twenty at once get
        twenty numbers. A rollback may leave a gap.
        """
        with transaction.atomic():
            mine = cls.objects.filter(organization=organization, current=True)
            while not mine.update(last_number=F("last_number") + 1):
                cls._claim(organization)
            row = mine.get()
            return f"{row.prefix}-{row.last_number:03d}"

    @classmethod
    def _claim(cls, organization: Organization) -> None:
        """Tries to give the organization a prefix of its own. Whoever loses a race finds out by looking again."""
        taken = {prefix.upper() for prefix in cls.objects.values_list("prefix", flat=True)}
        number = 1
        while (prefix := FIRST_PREFIX if number == 1 else f"{FIRST_PREFIX}{number}") in taken:
            number += 1
        cls.objects.bulk_create(
            [cls(organization=organization, prefix=prefix)], ignore_conflicts=True
        )
