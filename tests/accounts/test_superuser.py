import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.accounts.conftest import Browser, is_signed_in, sign_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_whoever_createsuperuser_makes_can_sign_in_at_once(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="root@example.org", verbosity=0)
    client = browser()
    assert sign_in(client, "root@example.org") == 302
    assert is_signed_in(client)
    assert client.get("/admin/").status_code == 200


def test_also_when_it_asks(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("builtins.input", lambda _prompt: "Root@Example.org")
    monkeypatch.setattr("getpass.getpass", lambda _prompt="": PASSWORD)
    call_command("createsuperuser", stdin=Terminal(), verbosity=0)
    client = browser()
    assert sign_in(client, "root@example.org") == 302
    assert is_signed_in(client)


def test_a_second_one_with_the_same_address_is_refused_in_words(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", interactive=False, email=owner.email.upper(), verbosity=0)
    assert User.objects.count() == 1
