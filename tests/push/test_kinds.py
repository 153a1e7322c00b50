"""The catalogue, row by row: something happens, the right devices hear the right words.

A new kind adds one row to ``CASES`` and nothing else here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Organization, User
from drops.models import Drop
from fundraising.models import Campaign, Donation
from payments.models import Transaction
from push import tasks
from push.delivery import breaker
from push.models import Announcement, Delivery, Notification, ServiceState, Subscription
from push.notices import announcements
from push.notices.kinds import BY_NAME, KINDS, Group, Skip
from tests.push.conftest import Outbox, Phone
from tests.push.declarative import parse
from tests.push_service import PushService
from tests.tickets.conftest import make_mail
from tickets.mail import tokens
from tickets.mail.receive import receive
from tickets.models import Mailbox, Ticket

pytestmark = pytest.mark.django_db

SITE = "http://localhost:8000"


@dataclass
class Stage:
    """Olga with phone and laptop; Sam, an administrator, and Carl with a phone each."""

    owner: User
    colleague: User
    stranger: User
    phone: Phone
    laptop: Phone
    others: list[Phone]

    @property
    def phones(self) -> list[Phone]:
        return [self.phone, self.laptop, *self.others]

    def send_drop(self) -> None:
        Drop.send(
            sender=self.owner,
            recipient=self.owner,
            text="https://example.org",
            device=self.laptop.device,
        )

    def pay_a_checkout(self) -> None:
        row = Transaction.prepare(
            organization=Organization.personal(self.owner),
            made_by=self.owner,
            source=Transaction.Source.API,
            amount=1250,
            currency="eur",
            description="Two mugs",
        )
        row.mark_paid()

    def mark_a_donation(self) -> None:
        campaign = Campaign.objects.create(
            organization=Organization.personal(self.owner),
            made_by=self.owner,
            title="A roof for the shelter",
            currency="eur",
            minimum=100,
        )
        donation = Donation.begin(campaign, uuid4(), amount=2500, source="bank", name="Dora")
        donation.mark_paid_by_hand("bank", self.owner, self.laptop.device)

    def mailbox(self) -> Mailbox:
        return Mailbox.make(Organization.personal(self.owner), "support@shop.example")[0]

    def receive_a_mail(self) -> None:
        receive(self.mailbox(), make_mail())

    def receive_a_reply(self) -> None:
        mailbox = self.mailbox()
        ticket = Ticket.objects.create(
            organization=mailbox.organization, mailbox=mailbox, number="TKT-001"
        )
        receive(mailbox, make_mail(To=tokens.reply_address(ticket.pk, mailbox.address)))

    def announce(self) -> None:
        with time_machine.travel(timezone.now(), tick=False):  # told in the instant it is published
            announcements.publish(
                public_id="a" * 24, title="New hours", body="From Monday on.", url="/Drops"
            )
            tasks.expand.call(Announcement.objects.get().pk, 0)

    def pause_a_service(self) -> None:
        breaker.open_breaker("fcm", breaker.FAULT, timezone.now(), reason="bad_token")

    def subscribe(self) -> None:
        old = self.phone.subscription
        Subscription.subscribe(
            self.phone.device,
            endpoint=old.endpoint,
            service=old.service,
            p256dh=old.p256dh,
            auth=old.auth,
            key_id=old.key_id,
            repair=False,
        )

    def press_test(self) -> None:
        self.phone.subscription.request_test()


@dataclass
class Case:
    """``devices`` are the names of those that are pushed to, ``people`` those who see it in the bell."""

    happens: Callable[[Stage], None]
    devices: set[str]
    people: set[str]
    title: str
    path: str
    group: Group
    lives: timedelta
    urgency: str = "high"
    skip: Skip = Skip.PERSON
    actions: tuple[str, ...] = ()


CASES = {
    "payments.paid": Case(
        happens=Stage.pay_a_checkout,
        devices={"Phone", "Laptop"},
        people={"Olga Owner"},
        title="Test: €12.50 paid",
        path="/Money/Transactions/tr_",
        group=Group.PAYMENTS,
        lives=timedelta(days=7),
    ),
    "tickets.opened": Case(
        happens=Stage.receive_a_mail,
        devices={"Phone", "Laptop"},
        people={"Olga Owner"},
        title="New ticket from Cora Customer",
        path="/Support/TKT-001",
        group=Group.SUPPORT,
        lives=timedelta(days=3),
    ),
    "tickets.replied": Case(
        happens=Stage.receive_a_reply,
        devices={"Phone", "Laptop"},
        people={"Olga Owner"},
        title="Cora Customer replied in TKT-001",
        path="/Support/TKT-001",
        group=Group.SUPPORT,
        lives=timedelta(days=3),
    ),
    "drops.received": Case(
        happens=Stage.send_drop,
        devices={"Phone"},
        people={"Olga Owner"},
        title="Drop from Laptop",
        path="/Drops/",
        group=Group.ACCOUNT,
        lives=timedelta(days=7),
        skip=Skip.DEVICE,
        actions=("copy",),
    ),
    "fundraising.donation_paid": Case(
        happens=Stage.mark_a_donation,
        devices={"Phone"},
        people={"Olga Owner"},
        title="Dora gave €25.00",
        path="/Money/Campaigns/",
        group=Group.PAYMENTS,
        lives=timedelta(days=7),
        skip=Skip.DEVICE,
    ),
    "push.announcement": Case(
        happens=Stage.announce,
        devices={"Phone", "Laptop", "Sam's phone", "Carl's phone"},
        people={"Olga Owner", "Sam Stranger", "Carl Colleague"},
        title="New hours",
        path="/Drops",
        group=Group.SYSTEM,
        lives=timedelta(days=3),
        urgency="low",
        skip=Skip.NOBODY,
    ),
    "push.service_failing": Case(
        happens=Stage.pause_a_service,
        devices={"Sam's phone"},
        people={"Sam Stranger"},
        title="Push to fcm is paused",
        path="/admin/push/servicestate/",
        group=Group.SYSTEM,
        lives=timedelta(days=1),
        urgency="normal",
    ),
    "push.welcome": Case(
        happens=Stage.subscribe,
        devices={"Phone"},
        people=set(),
        title="Push is on",
        path="/Account/Manage#push",
        group=Group.SYSTEM,
        lives=timedelta(minutes=10),
        skip=Skip.NOBODY,
    ),
    "push.test": Case(
        happens=Stage.press_test,
        devices={"Phone"},
        people=set(),
        title="Test notification",
        path="/Account/Manage#push",
        group=Group.SYSTEM,
        lives=timedelta(minutes=10),
        skip=Skip.NOBODY,
    ),
}


@pytest.fixture
def stage(outbox: Outbox, owner: User, colleague: User, stranger: User) -> Stage:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    others = [outbox.phone(stranger, "Sam's phone"), outbox.phone(colleague, "Carl's phone")]
    phone, laptop = outbox.phone(owner, "Phone"), outbox.phone(owner, "Laptop")
    return Stage(owner, colleague, stranger, phone, laptop, others)


def test_every_kind_has_a_row_here() -> None:
    assert set(CASES) == {kind.name for kind in KINDS}
    assert set(BY_NAME) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_right_people_and_devices_hear_of_it(name: str, stage: Stage) -> None:
    case = CASES[name]
    case.happens(stage)
    rows = Delivery.objects.filter(kind=name)
    assert {row.device_name for row in rows} == case.devices
    assert {row.urgency for row in rows} == {case.urgency}
    assert {row.expires_at - row.created_at for row in rows} == {case.lives}
    bell = Notification.objects.filter(kind=name, in_bell=True)
    assert {notification.user.name for notification in bell} == case.people
    kind = BY_NAME[name]
    assert (kind.group, kind.skip) == (case.group, case.skip)
    assert str(kind.label)


@pytest.mark.parametrize("name", CASES)
def test_each_device_gets_a_declarative_message(
    name: str, stage: Stage, outbox: Outbox, push_service: PushService
) -> None:
    case = CASES[name]
    case.happens(stage)
    outbox.drain()
    reached = [phone for phone in stage.phones if phone.browser.messages()]
    assert {phone.device.name for phone in reached} == case.devices
    for phone in reached:
        for request in phone.browser.requests():
            said = parse(phone.browser.decrypt(request.body), SITE + "/")
            assert said.title == case.title
            assert said.navigate.startswith(SITE + case.path)
            assert said.mutable
            assert said.options["body"]
            assert tuple(action["action"] for action in said.actions) == case.actions
            assert all(action["navigate"].startswith(SITE + "/") for action in said.actions)
            assert said.app_badge == bool(case.people)


@pytest.mark.parametrize("name", CASES)
def test_a_replay_adds_nothing(name: str, stage: Stage) -> None:
    kind, heard = BY_NAME[name], []

    def hear(subject: Any, actor: User | None, device: Any, **_named: object) -> None:
        heard.append({"subject": subject, "actor": actor, "device": device})

    kind.signal.connect(hear)
    try:
        CASES[name].happens(stage)
        before = Notification.objects.count(), Delivery.objects.count()
        kind.signal.send_robust(sender=object, **heard[0])
    finally:
        kind.signal.disconnect(hear)
    assert before == (Notification.objects.count(), Delivery.objects.count())
    assert before[0] > 0


# Turning push on for a device turns it on for the account.
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"push.welcome"}))
def test_nothing_is_pushed_to_whoever_turned_push_off(name: str, stage: Stage) -> None:
    for person in (stage.owner, stage.colleague, stage.stranger):
        person.push_preference.set_push(person, False)
    CASES[name].happens(stage)
    assert not Delivery.objects.exists()
    assert {row.user.name for row in Notification.objects.filter(in_bell=True)} == CASES[
        name
    ].people


def test_the_alarm_of_a_service_with_a_long_name_fits(stage: Stage) -> None:
    state = ServiceState(service="s" * 100, opened_at=timezone.now())
    assert len(BY_NAME["push.service_failing"].event_key(state)) <= 120
