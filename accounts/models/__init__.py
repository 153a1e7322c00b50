from accounts.models.api_key import ApiKey
from accounts.models.device import Device, DeviceEvent
from accounts.models.organization import Membership, Organization
from accounts.models.user import User

__all__ = ["ApiKey", "Device", "DeviceEvent", "Membership", "Organization", "User"]
