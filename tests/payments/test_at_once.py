"""Two at the same instant: one of them makes it true, the other finds it so."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from payments.fulfilment import fulfil
from payments.models import StripeEvent, Transaction
from push.models import Notification
from tests.fake_stripe import FakeStripe
from tests.payments.conftest import ORDER, Shop, last_event

pytestmark = pytest.mark.django_db(transaction=True)


def at_once[T](number: int, work: Callable[[], T]) -> list[T]:
    """What ``number`` threads return that begin ``work`` together, each on a connection of its own."""
    barrier, results = threading.Barrier(number), []

    def run() -> None:
        try:
            barrier.wait()
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == number
    return results


def test_webhook_and_success_page_pay_once(
    stripe: FakeStripe, checkout: Callable[..., Transaction], owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    rows = at_once(6, lambda: fulfil(str(row.checkout_session_id)))
    assert {found.status for found in rows if found} == {"paid"}
    assert Notification.objects.filter(user=owner).count() == 1


def test_the_same_event_is_one_row(
    stripe: FakeStripe, checkout: Callable[..., Transaction], deliver: Callable[..., Any]
) -> None:
    stripe.store.complete(str(checkout().checkout_session_id))
    event = last_event(stripe)
    assert {answer.status_code for answer in at_once(6, lambda: deliver(event))} == {200}
    assert StripeEvent.objects.count() == 1


def test_the_same_request_is_one_checkout(stripe: FakeStripe, shop: Shop) -> None:
    answers = at_once(5, lambda: shop.post(ORDER, Idempotency_Key="k1"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert 201 in {answer.status_code for answer in answers}
    assert Transaction.objects.count() == len(stripe.store.sessions) == 1


def test_the_same_donation_has_one_open_checkout(
    stripe: FakeStripe, checkout: Callable[..., Transaction]
) -> None:
    rows = at_once(5, lambda: checkout(source="campaign", reference="don_1"))
    assert len({row.checkout_session_id for row in rows}) == 1
    assert Transaction.objects.count() == len(stripe.store.sessions) == 1
