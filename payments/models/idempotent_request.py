"""A request to our API that may be repeated: the same key is the same request, answered once."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from payments.models.transaction import Transaction

# Seconds. Longer than any answer takes, Stripe's retries included: what runs longer has died.
LEASE = timedelta(seconds=120)


class IdempotentRequest(models.Model):
    """``answer`` stays empty until there is one worth repeating (no 5xx).

    A request that broke off names its ``transaction``, so that the repeat completes that one.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    livemode = models.BooleanField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    transaction = models.ForeignKey(Transaction, models.CASCADE, null=True, related_name="+")
    answer = models.TextField(null=True)  # noqa: DJ001 - none yet is not an empty one
    status_code = models.PositiveSmallIntegerField(null=True)
    running_since = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "livemode", "key"], name="one_request_per_idempotency_key"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], name="idempotent_requests_by_time")
        ]

    def __str__(self) -> str:
        return self.key
