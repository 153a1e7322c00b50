"""The first ``.env`` of an installation: a secret key and a VAPID pair, made once."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.utils import Error as DatabaseError

from push.delivery import vapid
from push.models import InstanceKey

NAMES = ("SECRET_KEY", "WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY")
ENV = """\
# Made once by “manage.py write_env”, never overwritten. Every process and machine of this
# installation needs the same values: keep a copy in a safe place. A lost WEBPUSH_PRIVATE_KEY
# means that every browser has to subscribe again.
{secrets}
# Whom push services write to when something is wrong: mailto:you@your.domain or an https address.
# Without it, an https SITE_URL is used. Apple's service refuses addresses that do not exist.
# WEBPUSH_SUBJECT=mailto:
"""


class Command(BaseCommand):
    help = (
        "Writes .env into the data folder (var/, or DATA_DIR) with a SECRET_KEY and a VAPID key "
        "pair, readable by its owner alone. Never changes a file that is there, leaves out what "
        "the environment already gives, and makes no keys for a database that was used with "
        "others: there the .env of that installation is needed."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.DATA_DIR) / ".env"
        if path.exists():
            if not is_given("SECRET_KEY"):
                raise CommandError(
                    f"{path} holds no SECRET_KEY. Add the one that this installation was used with,"
                    " or move the file away to have a new one written."
                )
            return
        missing = missing_names()
        if not missing:
            return
        refuse_a_used_database(missing)
        made = new_secrets(missing)
        lines = "\n".join(f"{name}={value}" for name, value in made.items())
        if write_once(path, ENV.format(secrets=lines)):
            self.stdout.write(f"Wrote {path} with {' and '.join(made)}.")


def is_given(name: str) -> bool:
    """Whether the environment or a ``.env`` gives it, by value or as ``NAME_FILE``."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def missing_names() -> list[str]:
    """Which of the three values have to be made.

    Raises:
        CommandError: when half a VAPID pair is given: the other half cannot be made.
    """
    missing = [name for name in NAMES if not is_given(name)]
    if ("WEBPUSH_PUBLIC_KEY" in missing) != ("WEBPUSH_PRIVATE_KEY" in missing):
        raise CommandError(
            "Only one of WEBPUSH_PUBLIC_KEY and WEBPUSH_PRIVATE_KEY is set. Set both halves of one"
            " pair, or neither to have a pair made."
        )
    return missing


def refuse_a_used_database(missing: list[str]) -> None:
    """New keys would cut off every subscription and session that the database knows.

    Raises:
        CommandError: when the database holds fingerprints of keys, or cannot be asked.
    """
    try:
        is_used = (
            InstanceKey._meta.db_table in connection.introspection.table_names()
            and InstanceKey.objects.exists()
        )
    except DatabaseError as error:
        raise CommandError(
            f"The database cannot be reached, so no keys were made: {error}"
        ) from error
    if is_used:
        raise CommandError(
            f"{', '.join(missing)} not set, though this database was used with such keys before."
            " Give this machine the .env of that installation: new keys would silence every subscribed"
            " browser and sign everybody out."
        )


def new_secrets(missing: list[str]) -> dict[str, str]:
    made = {}
    if "SECRET_KEY" in missing:
        made["SECRET_KEY"] = secrets.token_urlsafe(50)
    if "WEBPUSH_PUBLIC_KEY" in missing:
        made["WEBPUSH_PUBLIC_KEY"], made["WEBPUSH_PRIVATE_KEY"] = vapid.generate()
    return made


def write_once(path: Path, text: str) -> bool:
    """Whole or not at all, mode 600; False when another process was quicker."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".env-", encoding="utf-8"
    ) as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return False
    return True
