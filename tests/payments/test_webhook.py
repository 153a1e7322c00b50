"""``POST /webhooks/stripe``: only what Stripe signed, just now, is let in; what is let in is never lost."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe as library
from django.test import Client
from django_ox.models import OxTask

from payments.models import StripeEvent
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.webhooks import sign

pytestmark = pytest.mark.django_db
type Deliver = Callable[..., Any]

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "data": {"object": {"object": "checkout.session", "id": "cs_test_1"}},
}
BODY = json.dumps(EVENT).encode()
SECRET = "whsec_fake"


def test_an_event_is_stored_as_it_came_with_its_task_and_answered(deliver: Deliver) -> None:
    assert deliver(BODY).json() == {"received": True}
    event = StripeEvent.objects.get()
    assert bytes(event.body) == BODY
    assert (event.event_id, event.type, event.status) == ("evt_1", EVENT["type"], "received")
    assert OxTask.objects.count() == 1


def test_the_same_event_again_is_the_same_row_and_the_same_task(deliver: Deliver) -> None:
    assert [deliver(BODY).status_code for _time in range(3)] == [200, 200, 200]
    assert (StripeEvent.objects.count(), OxTask.objects.count()) == (1, 1)


def test_a_signature_of_stripes_own_library_is_good(deliver: Deliver) -> None:
    header = library.WebhookSignature.generate_signature_header(BODY.decode(), SECRET)
    assert deliver(BODY, header).status_code == 200


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "no Stripe-Signature"),
        ("nonsense", "cannot be read"),
        ("t=1", "cannot be read"),
        (f"v1={'0' * 64}", "cannot be read"),
        ("t=abc,v1=00", "cannot be read"),
        ("t=1,t=2,v1=00", "cannot be read"),
        (sign(BODY, "whsec_other"), "does not match"),
        (sign(BODY + b" ", SECRET), "does not match"),
        (f"t={int(time.time())},v1=é", "does not match"),
        (sign(BODY, SECRET).replace("v1=", "v0="), "cannot be read"),
        (sign(BODY, SECRET, int(time.time()) - 301 - 60), "too old"),
        (sign(BODY, SECRET, int(time.time()) + 400), "of the future"),
        (sign(BODY, SECRET, 0), "too old"),
    ],
)
def test_a_bad_signature_is_refused_in_words_and_nothing_is_kept(
    deliver: Deliver, header: str, words: str
) -> None:
    answer = deliver(BODY, header)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert not StripeEvent.objects.exists()


def test_several_secrets_are_good_while_one_is_rotated(deliver: Deliver, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    assert deliver(BODY).status_code == 200
    assert deliver(BODY, sign(BODY, "whsec_new")).status_code == 200
    two = sign(BODY, "whsec_other") + ",v1=" + sign(BODY, SECRET).partition("v1=")[2]
    assert deliver(BODY, two).status_code == 200


def test_without_a_secret_there_is_no_webhook(deliver: Deliver, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert deliver(BODY).status_code == 404
    assert deliver(BODY, sign(BODY, "")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'{"id": "evt_\xff", "type": "x"}',
        b"[]",
        b"null",
        b"not json",
        b"{}",
        b'{"id": 1, "type": "x"}',
        b'{"id": "", "type": "x"}',
        b'{"id": "evt_1", "type": null}',
        b'{"id": "evt_\\u0000", "type": "x"}',
        b'{"id": "%s", "type": "x"}' % (b"a" * 256),
        b"[" * 100_000,
    ],
)
def test_a_signed_body_that_is_no_event_is_400(deliver: Deliver, body: bytes) -> None:
    assert deliver(body).status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    "data",
    [{}, {"data": None}, {"data": []}, {"data": {"object": "x"}}, {"data": {"object": {"id": 1}}}],
)
def test_an_event_without_a_session_is_kept_and_says_so(
    deliver: Deliver, data: dict[str, Any]
) -> None:
    from django_ox.testing import run_tasks

    event = {"id": "evt_2", "type": "checkout.session.completed"} | data
    assert deliver(event).status_code == 200
    run_tasks()
    assert StripeEvent.objects.get().status == "ignored"


def test_only_post_is_understood(stripe: FakeStripe) -> None:
    assert Client().get("/webhooks/stripe").status_code == 405
