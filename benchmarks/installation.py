"""A throw-away installation to measure: its own database, keys and push service, the product's own processes."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.fixtures.postgresql import server
from tests.push_service import PushService

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def installation(*, postgresql: bool) -> Iterator[PushService]:
    """Sets Django up on an empty database and gives the push service that its devices subscribe at."""
    service = PushService().start()
    try:
        with product(postgresql=postgresql, services=[service.host]):
            yield service
    finally:
        service.stop()


@contextmanager
def product(*, postgresql: bool, services: Sequence[str]) -> Iterator[None]:
    """Sets Django up in this process on an empty database; ``services`` are push services as ``host:port``."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fastlinkit-benchmark-"))
        url = (
            stack.enter_context(server())
            if postgresql
            else f"sqlite:///{folder}/fastlinkit.sqlite3"
        )
        # Whoever ends a benchmark early leaves no server behind.
        signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
        os.environ |= environment(folder, url, services)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


def environment(folder: str, database_url: str, services: Sequence[str]) -> dict[str, str]:
    """What the product's processes run with, a new VAPID pair among it."""
    return {
        "DATA_DIR": folder,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "fastlinkit.settings",
        "SECRET_KEY": "for a benchmark",
        "WEBPUSH_EXTRA_HOSTS": ",".join(services),
        "WEBPUSH_SUBJECT": "mailto:push@fastlinkit.example.org",
        **_keys(),
    }


def _keys() -> dict[str, str]:
    # By a process of its own: the keys must be there before settings are read.
    made = subprocess.run(
        [sys.executable, "-c", "from push.delivery.vapid import generate; print(*generate())"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "fastlinkit.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    public, private = made.stdout.split()
    return {"WEBPUSH_PUBLIC_KEY": public, "WEBPUSH_PRIVATE_KEY": private}


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs one of the product's commands; it has started when it has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    if not process.stdout.readline():
        raise SystemExit(f"{arguments[0]} does not start.")
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def subscribed_person(service: PushService) -> Any:
    """A person with push on in one browser."""
    from accounts.models import Device, User
    from push.delivery.vapid import keyring
    from push.models import Preference, Subscription

    current = keyring().current
    assert current is not None
    person = User.objects.create_user("olga@example.org", name="Olga")
    device = Device.objects.create(user=person, name="Phone", secret_hash="0" * 64)
    browser = service.subscriber(current.public)
    Preference.set_push(person, True)
    Subscription.subscribe(
        device,
        endpoint=browser.endpoint,
        service=service.host,
        p256dh=browser.p256dh,
        auth=browser.auth,
        key_id=current.key_id,
        repair=True,
    )
    return person
