"""What happens to people and their devices, past tense. Arguments: subject, actor (who did it), device (on which)."""

from django.dispatch import Signal

# subject: Device - its session has ended, by sign-out, Revoke, password reset or deactivation
device_signed_out = Signal()
# subject: Device - somebody else now signs in on the browser that it stands for
device_taken_over = Signal()
# subject: User
user_deactivated = Signal()
