from accounts.models.device import Device, DeviceEvent
from accounts.models.user import User

__all__ = ["Device", "DeviceEvent", "User"]
