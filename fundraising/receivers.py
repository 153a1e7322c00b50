"""What becomes of a checkout becomes of its donation, in the same transaction. Wired by ``connect()``."""

import logging

from django.db import transaction

from fundraising.models import Donation
from payments import signals
from payments.models import Transaction

logger = logging.getLogger(__name__)


def connect() -> None:
    for name in ("transaction_paid", "transaction_expired"):
        getattr(signals, name).connect(_changed, dispatch_uid=f"fundraising:{name}")


def _changed(sender: object, subject: Transaction, **_named: object) -> None:
    if subject.source == Transaction.Source.CAMPAIGN:
        follow(subject)


def follow(row: Transaction) -> bool:
    """Brings the donation to what its checkout has become; True when that changed it. Safe to repeat.

    Under a savepoint of its own: a failure here never undoes a payment. The sweep tries again.
    """
    with transaction.atomic():
        donation: Donation | None = (
            Donation.objects.select_related("campaign__organization", "campaign__made_by")
            .filter(public_id=row.reference, campaign__organization=row.organization_id)
            .first()
        )
        if donation is None:
            logger.error("%s belongs to no donation: %r.", row, row.reference)
            return False
        if row.status == Transaction.Status.PAID:
            return donation.mark_paid_by(row)
        is_latest = donation.transaction_id == row.pk
        return row.status == Transaction.Status.EXPIRED and is_latest and donation.mark_expired()
