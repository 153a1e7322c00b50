"""Where a merchant's buyers may be sent back to."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization


class RedirectHost(models.Model):
    """A host that success and cancel URLs of this organization's checkouts may name."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="redirect_hosts")
    host = models.CharField(
        _("host"), max_length=253, help_text=_("As it stands in the URL, like shop.example.org.")
    )

    class Meta:
        verbose_name = _("redirect host")
        verbose_name_plural = _("redirect hosts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "host"], name="one_redirect_host_per_organization"
            )
        ]

    def __str__(self) -> str:
        return self.host

    def clean(self) -> None:
        self.host = self.host.strip().lower()
        if not self.host or any(char in self.host for char in "/@:?#\\ "):
            raise ValidationError({"host": _("A host alone, without https:// and path.")})
