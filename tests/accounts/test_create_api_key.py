"""``manage.py create_api_key``: a key that works, shown once."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, Organization, User


def test_the_key_it_prints_is_good_for_its_scopes(
    owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_key", "OLGA@example.org", "--scopes", "payment-api", "drops", "--test")
    text = capsys.readouterr().out.strip()
    assert text.startswith("fli_test_")
    key = ApiKey.authenticate(text)
    assert key is not None
    assert (key.user, key.organization) == (owner, Organization.personal(owner))
    assert (key.test, key.scopes) == (True, ["payment-api", "drops"])
    assert text not in str(ApiKey.objects.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["olga@example.org"], "at least one scope"),
        (["olga@example.org", "--scopes", "everything"], "at least one scope"),
        (["nobody@example.org", "--scopes", "*"], "no active user"),
    ],
)
def test_it_makes_no_key_without_a_person_and_scopes(
    owner: User, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("create_api_key", *arguments)
    assert not ApiKey.objects.exists()
