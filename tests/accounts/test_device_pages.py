import pytest

from accounts.models import Device, User
from push.models import Subscription
from tests.accounts.conftest import Browser, device_of, has_push, is_signed_in, subscribe

pytestmark = pytest.mark.django_db


def test_a_device_is_renamed(browser: Browser, owner: User) -> None:
    client = browser(owner)
    device = device_of(client)
    answer = client.post(f"/Account/Devices/{device.public_id}", {"name": "  Olga’s \n laptop "})
    assert answer.headers["Location"] == "/Account/Manage#devices"
    assert device_of(client).name == "Olga’s laptop"


@pytest.mark.parametrize("name", ["", "   ", "n" * 81, "a\0b"])
def test_a_name_that_will_not_do_is_refused_in_words(
    browser: Browser, owner: User, name: str
) -> None:
    client = browser(owner)
    device = device_of(client)
    answer = client.post(f"/Account/Devices/{device.public_id}", {"name": name}, follow=True)
    assert "The name was not changed." in answer.content.decode()
    assert device_of(client).name == "Firefox on Linux"


def test_a_removed_device_is_signed_out_and_not_sent_to(browser: Browser, owner: User) -> None:
    here, elsewhere = browser(owner), browser(owner)
    gone = device_of(elsewhere)
    subscribe(gone)
    here.post(f"/Account/Devices/{gone.public_id}/removal")
    assert not Device.objects.filter(pk=gone.pk).exists()
    assert not Subscription.objects.exists()
    assert not is_signed_in(elsewhere)
    assert is_signed_in(here)


def test_removing_this_device_signs_out(browser: Browser, owner: User) -> None:
    client = browser(owner)
    device = device_of(client)
    answer = client.post(f"/Account/Devices/{device.public_id}/removal", follow=True)
    assert answer.redirect_chain == [("/Account/Login", 302)]
    assert "“Firefox on Linux” has been removed." in answer.content.decode()
    assert not is_signed_in(client)
    assert not Device.objects.exists()


@pytest.mark.parametrize("path", ["/Account/Devices/{}", "/Account/Devices/{}/removal"])
def test_somebody_elses_device_is_not_found(
    browser: Browser, owner: User, stranger: User, path: str
) -> None:
    theirs = device_of(browser(stranger))
    subscribe(theirs)
    answer = browser(owner).post(path.format(theirs.public_id), {"name": "Mine now"})
    assert answer.status_code == 404
    assert has_push(theirs)
    assert theirs.name == "Firefox on Linux"


@pytest.mark.parametrize(
    "path", ["/Account/Devices/x", "/Account/Devices/x/removal", "/Account/Sessions/closure"]
)
def test_nothing_happens_by_a_link_or_signed_out(browser: Browser, owner: User, path: str) -> None:
    assert browser(owner).get(path).status_code == 405
    assert browser().post(path).headers["Location"] == "/Account/Login?next=/Account/Manage"


@pytest.mark.parametrize("junk", ["a%00b", "%F0%9F%98%80", "..%2F..", "x" * 3000])
def test_junk_for_a_device_is_refused(browser: Browser, owner: User, junk: str) -> None:
    assert browser(owner).post(f"/Account/Devices/{junk}/removal").status_code == 404
    assert Device.objects.count() == 1
