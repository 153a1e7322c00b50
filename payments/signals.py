"""What happens to money, past tense. Arguments: subject, actor (who did it, None for Stripe), device (on which)."""

from django.dispatch import Signal

# subject: Transaction - Stripe says that it is paid, and everything agrees
transaction_paid = Signal()
# subject: Transaction - its checkout ended unpaid
transaction_expired = Signal()
# subject: Transaction - what Stripe says does not agree with our row; ``review_reason`` says how
transaction_needs_review = Signal()
