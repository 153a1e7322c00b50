"""What happens in push itself, past tense. Arguments: subject, actor (who did it), device (on which)."""

from django.dispatch import Signal

# subject: Subscription - a person has just turned push on for this device
subscribed = Signal()
# subject: TestRequest - a person pressed "Send test" for one device
test_requested = Signal()
# subject: ServiceState - its breaker has just opened
service_paused = Signal()
# subject: Announcement - an administrator has just published it
announced = Signal()
