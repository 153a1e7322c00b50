"""What happens to Drops, past tense. Arguments: subject, actor (who did it), device (on which)."""

from django.dispatch import Signal

# subject: Drop
drop_received = Signal()
