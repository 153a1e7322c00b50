"""Push in the admin, a module for each thing one comes for."""

from push.admin import records, services

__all__ = ["records", "services"]
