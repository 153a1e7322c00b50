"""The system checks refuse broken WEBPUSH settings in words that say what to do."""

import pytest
from django.core.checks import ERROR, CheckMessage

from fastlinkit.environment import days, sending_limits
from push.checks import check_keep_days, check_sending_limits, check_webpush_settings
from push.delivery.vapid import generate


@pytest.fixture(autouse=True)
def good_settings(settings) -> None:
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = generate()
    settings.WEBPUSH_SUBJECT = "mailto:admin@fastlinkit.org"
    settings.WEBPUSH_PREVIOUS_KEYS, settings.WEBPUSH_EXTRA_HOSTS = [], []
    settings.WEBPUSH_KEY_PROBLEMS = []
    settings.SITE_URL = "https://fastlinkit.org"


def the_only_message() -> CheckMessage:
    (message,) = check_webpush_settings()
    assert message.hint
    return message


def test_good_settings_get_no_message() -> None:
    assert check_webpush_settings() == []


def test_going_without_push_is_no_mistake(settings) -> None:
    settings.WEBPUSH_PUBLIC_KEY = settings.WEBPUSH_PRIVATE_KEY = settings.WEBPUSH_SUBJECT = ""
    assert check_webpush_settings() == []


def test_a_key_file_that_cannot_be_read_is_an_error_and_no_new_key(settings) -> None:
    settings.WEBPUSH_PRIVATE_KEY = ""
    settings.WEBPUSH_KEY_PROBLEMS = ["WEBPUSH_PRIVATE_KEY_FILE names /run/key, which is missing."]
    message = the_only_message()
    assert (message.id, message.level) == ("push.E001", ERROR)
    assert "/run/key" in message.msg
    assert "Do not make new keys" in message.hint


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        ("WEBPUSH_PRIVATE_KEY", "WEBPUSH_PUBLIC_KEY"),
        ("WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY"),
    ],
)
def test_half_a_pair_is_an_error_that_names_the_half(settings, missing: str, given: str) -> None:
    setattr(settings, missing, "")
    message = the_only_message()
    assert (message.id, message.msg) == ("push.E002", f"{given} is set, but {missing} is not.")


@pytest.mark.parametrize("name", ["WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY"])
def test_a_junk_key_is_an_error(settings, name: str) -> None:
    setattr(settings, name, "junk!")
    assert the_only_message().id == "push.E003"


def test_a_pair_of_two_different_runs_is_an_error(settings) -> None:
    settings.WEBPUSH_PRIVATE_KEY = generate()[1]
    message = the_only_message()
    assert (message.id, message.level) == ("push.E004", ERROR)
    assert "does not belong" in message.msg


@pytest.mark.parametrize("pair", [("junk", "junk"), (generate()[0], ""), (generate()[0], "x")])
def test_a_broken_previous_pair_is_an_error(settings, pair: tuple[str, str]) -> None:
    settings.WEBPUSH_PREVIOUS_KEYS = [generate(), pair]
    message = the_only_message()
    assert (message.id, "WEBPUSH_PREVIOUS_KEYS" in message.msg) == ("push.E005", True)


def test_a_bad_subject_on_a_public_site_is_an_error(settings) -> None:
    settings.WEBPUSH_SUBJECT = "mailto:admin@localhost"
    message = the_only_message()
    assert (message.id, message.level) == ("push.E006", ERROR)
    assert "“localhost” cannot be reached" in message.msg


def test_a_bad_subject_on_a_local_site_is_a_warning(settings) -> None:
    settings.SITE_URL = "http://localhost:8000"
    settings.WEBPUSH_SUBJECT = "mailto:admin@localhost"
    message = the_only_message()
    assert message.id == "push.W001"
    assert message.level < ERROR


def test_a_missing_subject_is_the_public_site_itself(settings) -> None:
    settings.WEBPUSH_SUBJECT = ""
    assert check_webpush_settings() == []


def test_a_missing_subject_on_a_site_without_a_public_name_is_an_error(settings) -> None:
    settings.WEBPUSH_SUBJECT, settings.SITE_URL = "", "https://inbox.local"
    assert the_only_message().id == "push.E006"


@pytest.mark.parametrize(
    "entry", ["https://push.org", "push.org/x", "a b", "u@push.org", "x:y", ""]
)
def test_an_extra_host_that_is_no_host_is_an_error(settings, entry: str) -> None:
    settings.WEBPUSH_EXTRA_HOSTS = ["push.org:8443", entry]
    message = the_only_message()
    assert (message.id, f"“{entry}”" in message.msg) == ("push.E007", True)


@pytest.mark.parametrize("text", ["3 months", "0", "-5", "1.5", "40000"])
def test_days_that_are_no_number_are_an_error(
    settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("PUSH_KEEP_DAYS", text)
    problems: list[str] = []
    assert days("PUSH_KEEP_DAYS", 90, problems) == 90
    settings.PUSH_KEEP_PROBLEMS = problems
    (message,) = check_keep_days()
    assert message.id == "push.E008"
    assert f"PUSH_KEEP_DAYS is “{text}”, which is not a number of days" in message.msg


def test_days_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH_KEEP_DAYS", " 30 ")
    assert days("PUSH_KEEP_DAYS", 90, []) == 30


@pytest.mark.parametrize(("deliveries", "notifications"), [(7, 180), (90, 89)])
def test_keeping_too_little_is_an_error(settings, deliveries: int, notifications: int) -> None:
    settings.PUSH_KEEP_DAYS, settings.PUSH_KEEP_NOTIFICATION_DAYS = deliveries, notifications
    (message,) = check_keep_days()
    assert message.id == "push.E008"


def test_the_days_of_the_defaults_are_fine() -> None:
    assert check_keep_days() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WEBPUSH_IN_FLIGHT_MAX", "3001"),
        ("WEBPUSH_IN_FLIGHT_MAX", "31"),  # less than the start
        ("WEBPUSH_IN_FLIGHT_MIN", "0"),
        ("WEBPUSH_IN_FLIGHT_START", "many"),
        ("WEBPUSH_CONNECT_TIMEOUT", "11"),  # more than the whole
        ("WEBPUSH_TOTAL_TIMEOUT", "-1"),
        ("WEBPUSH_TOTAL_TIMEOUT", "٣"),
    ],
)
def test_a_limit_of_the_sender_that_cannot_be_is_an_error_that_names_it(
    settings, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    settings.WEBPUSH_LIMIT_PROBLEMS = problems = []
    sending_limits(problems)
    (message,) = check_sending_limits()
    assert (message.level, message.id) == (ERROR, "push.E009")
    assert name.rsplit("_", 1)[0] in message.msg


def test_limits_of_the_sender_are_read_from_the_environment(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBPUSH_IN_FLIGHT_MAX", " 250 ")
    monkeypatch.setenv("WEBPUSH_TOTAL_TIMEOUT", "20")
    settings.WEBPUSH_LIMIT_PROBLEMS = problems = []
    limits = sending_limits(problems)
    assert (limits["IN_FLIGHT_MAX"], limits["TOTAL_TIMEOUT"]) == (250, 20)
    assert check_sending_limits() == []
