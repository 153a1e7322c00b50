"""Fingerprints of the secrets this installation runs with, so that a process with other secrets refuses to start."""

import hashlib
import hmac
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    models,
    transaction,
)
from django.utils import timezone

from push.delivery.vapid import keyring

SECRET_KEY = "secret_key"  # noqa: S105 - the row's name
VAPID = "vapid"


def secret_check_value(secret: str) -> str:
    """Tells whether two processes share a SECRET_KEY without telling the key."""
    return hmac.new(secret.encode(), b"fastlinkit instance check", hashlib.sha256).hexdigest()[:32]


def _is_away(error: DatabaseError) -> bool:
    """May it be there later? PostgreSQL calls a missing table a programming error, SQLite does not."""
    is_missing = connection.vendor == "sqlite" and "locked" not in str(error)
    return isinstance(error, OperationalError) and not is_missing


class InstanceKey(models.Model):
    """``current`` marks the value in use; earlier ones stay as history."""

    name = models.CharField(max_length=20)
    value = models.CharField(max_length=64)
    current = models.BooleanField(default=True)
    first_seen_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "value"], name="one_row_per_instance_key"),
            models.UniqueConstraint(
                fields=["name"], name="one_current_instance_key", condition=models.Q(current=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value[:8]}"

    @classmethod
    def verify(cls) -> None:
        """Compares this process's secrets with the database's record; records them the first time.

        A newer value becomes current only where the process also holds the old one (SECRET_KEY_FALLBACKS,
        WEBPUSH_PREVIOUS_KEYS): that is a rotation. Anything else is another installation's environment.

        Raises:
            ImproperlyConfigured: in words that say which secret differs and what to do.
            OperationalError, InterfaceError: the database is away, or locked for too long.
        """
        ring = keyring()
        secrets = [
            secret_check_value(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        ]
        try:
            cls._verify(SECRET_KEY, secrets, "SECRET_KEY", "SECRET_KEY_FALLBACKS")
            if ring.current is not None:
                others = [key_id for key_id in ring.pairs if key_id != ring.current.key_id]
                cls._verify(
                    VAPID,
                    [ring.current.key_id, *others],
                    "WEBPUSH_PUBLIC_KEY",
                    "WEBPUSH_PREVIOUS_KEYS",
                )
        except DatabaseError as error:
            if _is_away(error):
                raise
            raise ImproperlyConfigured(
                f"The database is not ready ({error}). Run “manage.py migrate” and start again."
            ) from error

    @classmethod
    def _verify(cls, name: str, values: list[str], setting: str, previous: str) -> None:
        recorded = (
            cls.objects.filter(name=name, current=True).values_list("value", flat=True).first()
        )
        if recorded == values[0]:
            return
        if recorded is not None and recorded not in values:
            raise ImproperlyConfigured(
                f"{setting} is not the one this database was used with (fingerprint {recorded[:8]}, here "
                f"{values[0][:8]}). Give this process the same .env as the others; to rotate, put the old value "
                f"into {previous} beside the new {setting}."
            )
        try:
            with transaction.atomic():
                cls.objects.filter(name=name, current=True).update(current=False)
                cls.objects.update_or_create(name=name, value=values[0], defaults={"current": True})
        except (
            IntegrityError
        ):  # another process recorded it in the same instant: hold ours against its record
            cls._verify(name, values, setting, previous)
