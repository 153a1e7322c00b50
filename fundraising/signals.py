"""What happens to donations, past tense. Arguments: subject, actor (who did it, None for Stripe), device (on which)."""

from django.dispatch import Signal

# subject: Donation - its money has come, by Stripe or as somebody saw and marked by hand; the first time
donation_paid = Signal()
