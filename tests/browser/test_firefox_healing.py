"""Whoever wants push keeps it: lost subscriptions and changed keys mend themselves at a visit."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from accounts.models import DeviceEvent, User
from drops.models import Drop
from push.models import Delivery, Subscription
from tests.autopush.validation import encode
from tests.browser import pages
from tests.browser.firefox import Firefox
from tests.fixtures.product import Product
from tests.push_service import PushService

pytestmark = pytest.mark.browser


def lose_the_subscription(push_service: PushService, person: User) -> Subscription:
    """The service ends it, and tells so when the next message comes."""
    subscription = pages.subscription_of(person)
    push_service.remove(subscription.endpoint)
    Drop.send(sender=person, recipient=person, text="Into the void", device=None)
    return subscription


def new_key_pair() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return encode(public), encode(key.private_numbers().private_value.to_bytes(32, "big"))


def test_a_changed_key_is_taken_over_in_silence(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    pages.subscribe(firefox, product, owner).close()
    before = pages.subscription_of(owner)
    public, private = new_key_pair()
    product.restart(
        WEBPUSH_PUBLIC_KEY=public,
        WEBPUSH_PRIVATE_KEY=private,
        WEBPUSH_PREVIOUS_KEYS=f"{settings.WEBPUSH_PUBLIC_KEY}:{settings.WEBPUSH_PRIVATE_KEY}",
    )
    Drop.send(sender=owner, recipient=owner, text="Signed with the old key", device=None)
    firefox.desktop.wait_for("Signed with the old key")

    page = firefox.open(product.url + pages.MANAGE)
    pages.expect_state(page, "subscribed")
    pages.expect_dot(page, "green")
    after = pages.subscription_of(owner)
    assert after.endpoint != before.endpoint
    assert after.key_id != before.key_id
    channel = push_service.store.channels[push_service.token_of(after.endpoint)]
    assert channel.key == base64.urlsafe_b64decode(public + "=")
    Drop.send(sender=owner, recipient=owner, text="Signed with the new key", device=None)
    firefox.desktop.wait_for("Signed with the new key")


def test_a_subscription_that_is_gone_turns_the_dot_yellow_and_heals_at_the_next_visit(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    pages.expect_dot(page, "green")
    lost = lose_the_subscription(push_service, owner)
    pages.expect_dot(page, "yellow")
    assert Delivery.objects.get(notification__kind="drops.received").state == Delivery.State.GONE
    assert not Subscription.objects.active().filter(user=owner).exists()

    page.reload()
    pages.expect_dot(page, "green")
    pages.expect_state(page, "subscribed")
    healed = Subscription.objects.active().get(user=owner)
    assert healed.endpoint != lost.endpoint
    assert DeviceEvent.objects.filter(device=healed.device, what="push_repaired").count() == 1
    Drop.send(sender=owner, recipient=owner, text="Back again", device=None)
    firefox.desktop.wait_for("Back again")


def test_where_permission_was_taken_back_it_stays_yellow_and_the_banner_is_there(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    firefox.reset_permissions()
    lose_the_subscription(push_service, owner)
    pages.until(page, lambda: not Subscription.objects.active().filter(user=owner).exists())

    page.goto(f"{product.url}/Drops")
    pages.expect_dot(page, "yellow")
    pages.expect_banner(page, visible=True)
    assert not Subscription.objects.active().filter(user=owner).exists()

    firefox.allow_notifications(product.url)  # in the site's settings: seen at once
    pages.expect_dot(page, "green")
    pages.expect_banner(page, visible=False)
    assert Subscription.objects.active().filter(user=owner).exists()


def test_a_browser_that_the_service_has_forgotten_heals_too(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    lost = pages.subscription_of(owner)
    channel = push_service.store.channels[push_service.token_of(lost.endpoint)]
    push_service.store.forget(channel.uaid)
    known = push_service.store.known_uaids
    pages.until(page, lambda: channel.uaid not in known and push_service.store.browsers)

    def healed() -> bool:
        page.reload()
        pages.expect_state(page, "subscribed")
        return pages.subscription_of(owner).endpoint != lost.endpoint

    pages.until(page, healed)
    Drop.send(sender=owner, recipient=owner, text="Found again", device=None)
    firefox.desktop.wait_for("Found again")


def test_a_message_that_was_sent_while_the_browser_was_off_is_shown_when_it_starts(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    pages.subscribe(firefox, product, owner)
    push_service.clear()
    firefox.stop()
    Drop.send(sender=owner, recipient=owner, text="While you were out", device=None)
    push_service.wait_for_posts(1)
    firefox.start()
    firefox.desktop.wait_for("While you were out")


def test_a_worker_that_was_killed_loses_nothing(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    pages.subscribe(firefox, product, owner)
    product.kill("push")
    Drop.send(sender=owner, recipient=owner, text="Nobody is at work", device=None)
    assert Delivery.objects.get(notification__body="Nobody is at work").state == "pending"
    product.start()
    firefox.desktop.wait_for("Nobody is at work")
