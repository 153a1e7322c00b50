"""The circuit breaker of one push service, shared by every worker."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceState(models.Model):
    """A row exists while something is or was wrong with the service; ``open_until`` in the future means: paused."""

    service = models.CharField(max_length=100, primary_key=True)
    open_until = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("push service")
        verbose_name_plural = _("push services")

    def __str__(self) -> str:
        return self.service
