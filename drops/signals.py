"""What happens to Drops, past tense. Arguments: subject, actor (who did it), device (on which)."""

from django.dispatch import Signal

# subject: Drop
drop_received = Signal()
# subject: Drop - its recipient has opened it, the first time
drop_read = Signal()
# subject: Drop - deleted just now, together with all that it said
drop_deleted = Signal()
