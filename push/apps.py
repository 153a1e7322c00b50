from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PushConfig(AppConfig):
    name = "push"
    verbose_name = _("Push")

    def ready(self) -> None:
        from push.notices import receivers

        import_module("push.checks")  # registers its system checks
        receivers.connect()
