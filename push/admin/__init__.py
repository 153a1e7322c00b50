"""Push in the admin, a module for each thing one comes for."""

from push.admin import announcements, records, services

__all__ = ["announcements", "records", "services"]
