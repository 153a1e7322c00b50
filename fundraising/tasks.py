"""What fundraising does in the background."""

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.tasks import task

from fundraising import receivers
from fundraising.models import Donation, Overpayment
from payments import gateway
from payments.models import Transaction

BATCH = 200


@task(max_attempts=100)  # type: ignore[call-overload, untyped-decorator] # django-ox's own argument
def end_checkout(transaction_key: int) -> None:
    """Ends a checkout whose donation has been paid in another way; tried again while Stripe cannot be asked.

    A donor who was quicker has paid as well: Stripe is right, and the owner sees it.
    """
    try:
        Transaction.objects.get(pk=transaction_key).expire()
    except gateway.GatewayError as error:
        if not error.refused:
            raise


@task()
def sweep() -> dict[str, int]:
    """Takes up what should have followed from a checkout but did not, as an error came in between."""
    rows = {"paid": unsettled(), "expired": unnoticed()}
    return {
        name: sum(receivers.follow(row) for row in found.order_by("pk")[:BATCH])
        for name, found in rows.items()
    }


def unsettled() -> QuerySet[Transaction]:
    """Paid, but neither a donation nor an overpayment knows of it."""
    key = Concat(Value("stripe:"), OuterRef("public_id"))
    rows: QuerySet[Transaction] = Transaction.objects.filter(
        ~Exists(Donation.objects.filter(key=key)),
        ~Exists(Overpayment.objects.filter(key=key)),
        source=Transaction.Source.CAMPAIGN,
        status=Transaction.Status.PAID,
    )
    return rows


def unnoticed() -> QuerySet[Transaction]:
    """Expired, while the donation waits for it."""
    waiting = Donation.objects.filter(
        status=Donation.Status.PENDING, transaction__status=Transaction.Status.EXPIRED
    )
    rows: QuerySet[Transaction] = Transaction.objects.filter(pk__in=waiting.values("transaction"))
    return rows
