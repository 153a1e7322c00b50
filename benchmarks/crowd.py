"""Any number of people, each subscribed in one browser, made by PostgreSQL itself: a million takes a minute or two."""

from collections.abc import Sequence
from typing import Any

from benchmarks.subscribers import Browser


def add_people(until: int, url: str) -> None:
    """Adds people until there are ``until``; endpoints below ``url``, keys from ``keep_keys`` in turn."""
    from django.db import connection, transaction
    from django.db.models import Max

    from accounts.models import Device, User
    from push.delivery.endpoints import service_of
    from push.delivery.vapid import keyring
    from push.models import Preference, Subscription
    from push.notices.insert import Parameter, insert_from

    current = keyring().current
    assert current is not None
    after = User.objects.aggregate(last=Max("pk"))["last"] or 0
    with transaction.atomic():
        people: dict[str, Any] = {"email": "'person' || number || '@people.example'"}
        insert_from(User, people, "FROM generate_series(%s, %s) number", [after + 1, until])
        source = "FROM accounts_user person WHERE person.id > %s"
        insert_from(
            Preference, {"user": "person.id", "push_enabled": Parameter(True)}, source, [after]
        )
        devices: dict[str, Any] = {
            "user": "person.id",
            "public_id": "substr(md5(person.id::text), 1, 16)",
            "secret_hash": "lpad(person.id::text, 64, '0')",
            "name": Parameter("Phone"),
            "push_wanted": Parameter(True),
        }
        insert_from(Device, devices, source, [after])
        text = f"'{url}/push/' || device.id"
        subscriptions: dict[str, Any] = {
            "user": "device.user_id",
            "device": "device.id",
            "endpoint": text,
            "endpoint_hash": f"encode(sha256(({text})::bytea), 'hex')",
            "p256dh": "key.p256dh",
            "auth": "key.auth",
            "service": Parameter(service_of(f"{url}/push/0")),
            "key_id": Parameter(current.key_id),
        }
        source = (
            "FROM accounts_device device JOIN benchmark_key key"
            " ON key.number = device.id %% (SELECT COUNT(*) FROM benchmark_key)"
            " WHERE device.user_id > %s"
        )
        insert_from(Subscription, subscriptions, source, [after])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def keep_keys(browsers: Sequence[Browser]) -> None:
    """Puts the browsers' keys where ``add_people`` finds them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE benchmark_key (number bigint PRIMARY KEY, p256dh bytea, auth bytea)"
        )
        cursor.executemany(
            "INSERT INTO benchmark_key VALUES (%s, %s, %s)",
            [(number, each.public, each.auth) for number, each in enumerate(browsers)],
        )
