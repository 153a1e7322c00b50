"""A process with other secrets than the database was used with refuses to start, in words."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from push.delivery.vapid import generate
from push.models import InstanceKey

pytestmark = pytest.mark.django_db


def current(name: str) -> str:
    return InstanceKey.objects.get(name=name, current=True).value


def test_the_first_process_records_fingerprints_and_no_secret(settings: Any) -> None:
    InstanceKey.verify()
    InstanceKey.verify()
    values = " ".join(InstanceKey.objects.values_list("value", flat=True))
    assert InstanceKey.objects.count() == 2
    assert settings.SECRET_KEY not in values
    assert settings.WEBPUSH_PRIVATE_KEY not in values


def test_another_secret_key_is_refused(settings: Any) -> None:
    InstanceKey.verify()
    settings.SECRET_KEY = "another"
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY is not the one .* same \.env"):
        InstanceKey.verify()


def test_a_secret_key_is_rotated_with_the_old_one_beside_it(settings: Any) -> None:
    InstanceKey.verify()
    before = current("secret_key")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    InstanceKey.verify()
    assert current("secret_key") != before
    settings.SECRET_KEY_FALLBACKS = []
    InstanceKey.verify()


def test_another_key_pair_is_refused(settings: Any) -> None:
    InstanceKey.verify()
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = generate()
    with pytest.raises(ImproperlyConfigured, match="WEBPUSH_PUBLIC_KEY is not the one"):
        InstanceKey.verify()


def test_a_key_pair_is_rotated_with_the_old_one_beside_it(settings: Any) -> None:
    InstanceKey.verify()
    old = settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = generate()
    settings.WEBPUSH_PREVIOUS_KEYS = [old]
    InstanceKey.verify()
    assert InstanceKey.objects.filter(name="vapid").count() == 2


def test_a_process_that_still_holds_the_old_pair_as_its_own_is_refused(settings: Any) -> None:
    InstanceKey.verify()
    old = settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = generate()
    settings.WEBPUSH_PREVIOUS_KEYS = [old]
    InstanceKey.verify()
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = old
    settings.WEBPUSH_PREVIOUS_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="WEBPUSH_PUBLIC_KEY is not the one"):
        InstanceKey.verify()


def test_a_database_without_keys_takes_them_later(settings: Any) -> None:
    pair = settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY
    settings.WEBPUSH_PUBLIC_KEY = settings.WEBPUSH_PRIVATE_KEY = ""
    InstanceKey.verify()
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = pair
    InstanceKey.verify()
    assert current("vapid")
