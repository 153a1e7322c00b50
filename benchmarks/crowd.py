"""Any number of people, each subscribed in one browser, made by PostgreSQL itself: a million takes a minute or two."""

from collections.abc import Sequence

from benchmarks.subscribers import Browser


def add_people(until: int, url: str) -> None:
    """Adds people until there are ``until``; endpoints below ``url``, keys from ``keep_keys`` in turn."""
    from django.db import transaction
    from django.db.models import Max

    from accounts.models import User
    from push.notices.insert import insert_from

    after = User.objects.aggregate(last=Max("pk"))["last"] or 0
    with transaction.atomic():
        insert_from(
            User,
            {"email": "'person' || number || '@people.example'"},
            "FROM generate_series(%s, %s) number",
            [after + 1, until],
        )
        _add_devices(after)
        _subscribe(after, url)
    tidy()


def tidy() -> None:
    """What PostgreSQL does by itself within a minute or so."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _add_devices(after: int) -> None:
    """One for each person with an id above ``after``, who has push on."""
    from accounts.models import Device
    from push.models import Preference
    from push.notices.insert import Parameter, insert_from

    people = "FROM accounts_user person WHERE person.id > %s"
    on = Parameter(True)
    insert_from(Preference, {"user": "person.id", "push_enabled": on}, people, [after])
    device = {
        "user": "person.id",
        "public_id": "substr(md5(person.id::text), 1, 16)",
        "secret_hash": "lpad(person.id::text, 64, '0')",
        "name": Parameter("Phone"),
        "push_wanted": on,
    }
    insert_from(Device, device, people, [after])


def _subscribe(after: int, url: str) -> None:
    from push.delivery.endpoints import service_of
    from push.delivery.vapid import keyring
    from push.models import Subscription
    from push.notices.insert import Parameter, insert_from

    current = keyring().current
    assert current is not None
    endpoint = f"'{url}/push/' || device.id"
    subscription = {
        "user": "device.user_id",
        "device": "device.id",
        "endpoint": endpoint,
        "endpoint_hash": f"encode(sha256(({endpoint})::bytea), 'hex')",
        "p256dh": "key.p256dh",
        "auth": "key.auth",
        "service": Parameter(service_of(f"{url}/push/0")),
        "key_id": Parameter(current.key_id),
    }
    devices = (
        "FROM accounts_device device JOIN benchmark_key key"
        " ON key.number = device.id %% (SELECT COUNT(*) FROM benchmark_key)"
        " WHERE device.user_id > %s"
    )
    insert_from(Subscription, subscription, devices, [after])


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
