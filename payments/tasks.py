"""What payments do in the background."""

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from payments import fulfilment
from payments.models import IdempotentRequest, StripeEvent

# https://docs.stripe.com/api/idempotent_requests keeps its own for at least 24 hours.
KEEP_IDEMPOTENT_REQUESTS = timedelta(hours=24)


# With pauses that grow to ten minutes: three days, as long as Stripe itself would try.
@task(max_attempts=440)  # type: ignore[call-overload, untyped-decorator] # django-ox's own argument
def process_stripe_event(primary_key: int) -> None:
    """Acts on one stored event; tried again with growing pauses while Stripe cannot be asked."""
    fulfilment.process(StripeEvent.objects.get(pk=primary_key))


@task()
def prune() -> int:
    """Forgets idempotency keys after a day; how many."""
    old = timezone.now() - KEEP_IDEMPOTENT_REQUESTS
    deleted: int = IdempotentRequest.objects.filter(created_at__lt=old).delete()[0]
    return deleted
