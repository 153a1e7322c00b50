from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.forms import ProfileForm, time_zones
from accounts.models import User
from tests.accounts.conftest import Browser

pytestmark = pytest.mark.django_db
GOOD = {"name": "Olga O.", "time_zone": "Asia/Tokyo", "language": "en"}


def save(client: Client, **fields: str) -> str:
    return client.post("/Account/Profile", {**GOOD, **fields}, follow=True).content.decode()


def test_it_is_saved_and_said_so(browser: Browser, owner: User) -> None:
    assert "Your profile has been saved." in save(browser(owner), name="  Olga \t O. ")
    owner.refresh_from_db()
    assert (owner.name, owner.time_zone, owner.language) == ("Olga O.", "Asia/Tokyo", "en")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "n" * 151, "Ensure this value has at most 150 characters (it has 151)."),
        ("name", "a\0b", "Null characters are not allowed."),
        ("time_zone", "Mars/Phobos", "“Mars/Phobos” is not a time zone."),
        ("time_zone", "../../etc/passwd", "is not a time zone."),
        ("time_zone", "", "This field is required."),
        ("language", "tlh", "tlh is not one of the available choices."),
    ],
)
def test_junk_is_refused_beside_its_field_and_nothing_is_saved(
    browser: Browser, owner: User, field: str, value: str, words: str
) -> None:
    answer = browser(owner).post("/Account/Profile", {**GOOD, field: value})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page.split(f'id="id_{field}_error"')[1].split("</div>")[0]
    before = (owner.name, owner.time_zone, owner.language)
    owner.refresh_from_db()
    assert (owner.name, owner.time_zone, owner.language) == before
    assert "Olga Owner" in page.split("<main")[0], "the top bar shows what is stored"


def test_what_was_typed_is_still_there_after_a_mistake(browser: Browser, owner: User) -> None:
    page = save(browser(owner), name="Olga the Second", time_zone="Mars/Phobos")
    assert 'value="Olga the Second"' in page


def test_nobody_elses_fields_can_be_slipped_in(browser: Browser, owner: User) -> None:
    save(browser(owner), is_staff="on", is_superuser="on", email="boss@example.org")
    owner.refresh_from_db()
    assert (owner.is_staff, owner.is_superuser, owner.email) == (False, False, "olga@example.org")


def test_the_address_of_the_form_leads_back_to_the_page(browser: Browser, owner: User) -> None:
    location = browser(owner).get("/Account/Profile").headers["Location"]
    assert location == "/Account/Manage#profile"


def test_an_old_alias_of_a_time_zone_stays_chosen(owner: User) -> None:
    owner.time_zone = "CET"
    html = str(ProfileForm(instance=owner)["time_zone"])
    assert '<option value="CET" selected>' in html


def test_every_offered_time_zone_is_one() -> None:
    offered = [name for _region, names in time_zones()[1:] for name, _city in names]
    assert {"Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kathmandu"} <= set(offered)
    assert set(offered) <= available_timezones()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.fixed_dictionaries({"name": st.text(), "time_zone": st.text(), "language": st.text()}))
def test_whatever_is_typed_the_form_answers(owner: User, fields: dict[str, str]) -> None:
    form = ProfileForm(fields, instance=owner)
    assert form.is_valid() or form.errors


def test_times_are_shown_in_the_persons_zone(browser: Browser, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Tokyo")
    client = browser(owner)
    owner.devices.update(created_at=datetime(2026, 1, 31, 20, tzinfo=UTC))
    page = client.get("/Account/Manage").content.decode()
    assert "Feb. 1, 2026" in page
    assert "Jan. 31, 2026" not in page


def test_a_zone_that_the_system_forgot_counts_as_utc(browser: Browser, owner: User) -> None:
    client = browser(owner)
    User.objects.filter(pk=owner.pk).update(time_zone="Atlantis/Capital")
    assert client.get("/Account/Password/Change").status_code == 200
