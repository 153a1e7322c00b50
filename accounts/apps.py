from typing import Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        post_migrate.connect(
            _create_cache_table, sender=self, dispatch_uid="accounts:create_cache_table"
        )


def _create_cache_table(using: str, **_named: Any) -> None:
    """Rate limits count in the database cache, so that table must be there as soon as people can sign in."""
    call_command("createcachetable", database=using, verbosity=0)
