"""``manage.py ox_worker``: django-ox's own, which first looks whether it has the right keys."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django_ox.management.commands.ox_worker import Command as OxCommand

from push.startup import verify_instance


class Command(OxCommand):
    help = (
        "Runs background tasks and the recurring schedules (everything but sending pushes). It waits "
        "for a database that is away, and refuses to start with other keys than the database was "
        "used with."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verify_instance()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"ox_worker runs background tasks and schedules, and looks for them every "
            f"{options['interval']} s."
        )
        self.stdout.flush()
        super().handle(*args, **options)
