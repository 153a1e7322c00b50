"""Several tabs, several people, one moment: registrations wait for each other, and none of them breaks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.http import HttpResponse

from accounts.models import Device, User
from push.forms import SubscriptionForm
from push.models import Subscription
from tests.push.browsers import Browser, registration

URL = "/push/subscription"


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def test_a_device_that_is_removed_in_this_moment_is_signed_out(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed_meanwhile(form: SubscriptionForm) -> bool:
        Device.objects.get(pk=browser.device.pk).remove()
        return is_valid(form)

    is_valid = SubscriptionForm.is_valid
    monkeypatch.setattr(SubscriptionForm, "is_valid", removed_meanwhile)
    answer = browser.call("PUT", URL, registration())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")
    assert not Subscription.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tabs_that_register_at_once_end_with_one_row(browser: Browser) -> None:
    def register(_number: int) -> int:
        try:
            answer: HttpResponse = browser.call("PUT", URL, registration())
            return answer.status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as tabs:
        answers = set(tabs.map(register, range(10)))
    assert answers == {200}
    assert Subscription.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_who_claim_one_endpoint_at_once_break_nothing(
    owner: User, stranger: User
) -> None:
    browsers = [Browser(owner), Browser(stranger)]
    body = registration()

    def register(number: int) -> int:
        try:
            answer: HttpResponse = browsers[number % 2].call("PUT", URL, body)
            return answer.status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as tabs:
        answers = set(tabs.map(register, range(10)))
    assert answers <= {200, 409}
    assert Subscription.objects.count() == 1
