from push.models.announcement import Announcement
from push.models.delivery import Delivery
from push.models.instance_key import InstanceKey
from push.models.notification import Notification
from push.models.preference import KindPreference, Preference
from push.models.service_state import ServiceState
from push.models.subscription import GoneEndpoint, Subscription

__all__ = [
    "Announcement",
    "Delivery",
    "GoneEndpoint",
    "InstanceKey",
    "KindPreference",
    "Notification",
    "Preference",
    "ServiceState",
    "Subscription",
]
