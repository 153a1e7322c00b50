"""From a signal to rows: in the event's own transaction, and never in its way."""

import pytest
from django.db import transaction

from accounts.models import User
from drops.models import Drop
from push.models import Delivery, Notification, Subscription
from push.notices import kinds, receivers
from push.notices.messages import BODY_LENGTH, TITLE_LENGTH, one_line
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db


@pytest.fixture
def laptop(outbox: Outbox, owner: User) -> Phone:
    return outbox.phone(owner, "Laptop")


def send(user: User, device: Phone | None, text: str = "text") -> Drop:
    return Drop.send(
        sender=user, recipient=user, text=text, device=device.device if device else None
    )


def test_a_rollback_leaves_no_rows(owner: User, phone: Phone, laptop: Phone) -> None:
    def event() -> None:
        with transaction.atomic():
            send(owner, laptop)
            assert Delivery.objects.exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        event()
    assert not Drop.objects.exists()
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("broken", ["_write_notifications", "_write_deliveries"])
def test_a_failing_receiver_leaves_the_drop(
    owner: User, phone: Phone, laptop: Phone, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_arguments: object) -> None:
        # What the database itself refuses: without a savepoint it would take the Drop with it.
        for _time in range(2):
            Notification.objects.create(user=owner, event_key="one", kind="k", title="t", url="/")

    monkeypatch.setattr(receivers, broken, fail)
    drop = send(owner, laptop)
    assert Drop.objects.get() == drop
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_the_sending_device_hears_nothing_and_counts_it_as_read(
    owner: User, phone: Phone, laptop: Phone
) -> None:
    send(owner, laptop)
    assert [row.device_name for row in Delivery.objects.all()] == ["Phone"]
    unread = Notification.objects.bell(owner)
    assert unread.unread(phone.device).count() == 1
    assert unread.unread(laptop.device).count() == 0


def test_a_drop_without_a_device_reaches_every_device(
    owner: User, phone: Phone, laptop: Phone
) -> None:
    send(owner, None)
    assert {row.device_name for row in Delivery.objects.all()} == {"Phone", "Laptop"}


def test_only_live_subscriptions_are_written_to(owner: User, phone: Phone, laptop: Phone) -> None:
    Subscription.objects.filter(pk=phone.subscription.pk).update(state=Subscription.State.GONE)
    send(owner, None)
    assert [row.device_name for row in Delivery.objects.all()] == ["Laptop"]


def test_a_closed_account_hears_nothing(owner: User, phone: Phone) -> None:
    owner.is_active = False
    kind = kinds.BY_NAME["push.welcome"]
    subscription = phone.subscription
    subscription.user = owner
    assert receivers.notify(kind, subscription, None, None) == []


def test_reading_a_drop_stops_its_pushes(outbox: Outbox, owner: User, phone: Phone) -> None:
    drop = send(owner, None)
    drop.mark_read(owner, None)
    outbox.drain()
    row = Delivery.objects.get()
    assert (row.state, row.reason) == (Delivery.State.DROPPED, "read")


def test_sign_out_ends_the_subscription_and_what_waits_for_it(owner: User, phone: Phone) -> None:
    send(owner, None)
    phone.device.sign_out()
    row = Delivery.objects.get()
    assert (row.state, row.reason) == (Delivery.State.DROPPED, "unsubscribed")
    assert not Subscription.objects.exists()


def test_a_snapshot_of_the_device_outlives_it(owner: User, phone: Phone) -> None:
    send(owner, None)
    phone.device.remove()
    assert Delivery.objects.get().device_name == "Phone"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\r\n\tand a tab", "two lines and a tab"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066isolated\u2069 \u200bspace\ufeff", "isolated space"),
        ("nul\x00byte\x1b[31m", "nul byte [31m"),
        ("שלום עולם", "שלום עולם"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("  ", ""),
    ],
)
def test_a_strangers_text_is_one_harmless_line(text: str, line: str) -> None:
    assert one_line(text, 80) == line


def test_a_long_text_is_cut(owner: User, phone: Phone) -> None:
    send(owner, None, "word " * 20_000)
    notification = Notification.objects.get()
    assert len(notification.body) <= BODY_LENGTH
    assert len(notification.title) <= TITLE_LENGTH
    assert notification.body.endswith("…")
