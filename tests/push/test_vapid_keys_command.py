"""``manage.py vapid_keys`` prints what a .env file wants."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from push.delivery import vapid


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("vapid_keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_it_prints_three_lines_that_make_a_working_pair(settings) -> None:
    settings.SITE_URL, settings.WEBPUSH_SUBJECT = "https://fastlinkit.org", ""
    values = dict(line.split("=", 1) for line in run().splitlines())
    assert list(values) == ["WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY", "WEBPUSH_SUBJECT"]
    assert vapid.parse_pair(values["WEBPUSH_PUBLIC_KEY"], values["WEBPUSH_PRIVATE_KEY"])
    assert values["WEBPUSH_SUBJECT"] == "https://fastlinkit.org"


def test_on_a_local_site_the_contact_is_left_to_be_filled_in(settings) -> None:
    settings.SITE_URL, settings.WEBPUSH_SUBJECT = "http://localhost:8000", ""
    assert run().splitlines()[2] == "WEBPUSH_SUBJECT=mailto:"


def test_json_has_the_names_that_web_push_uses() -> None:
    keys = json.loads(run("--json"))
    assert sorted(keys) == ["privateKey", "publicKey"]
    assert vapid.parse_pair(keys["publicKey"], keys["privateKey"])


def test_each_run_makes_another_pair() -> None:
    assert run("--json") != run("--json")


@pytest.mark.parametrize("private", ["", "junk"])
def test_it_runs_where_the_keys_in_use_are_broken(settings, private: str) -> None:
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = "junk", private
    assert run().count("\n") == 3
