from importlib import import_module

from django.apps import AppConfig


class FastLinkItConfig(AppConfig):
    name = "fastlinkit"

    def ready(self) -> None:
        import_module("fastlinkit.checks")  # registers its system checks
