"""What the product promises: the event comes in by its real door, real Firefox shows it with the tab
closed, and the tap opens the right page. The fifth one, a Drop, is in ``test_firefox_push.py``.
"""

import json
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import ApiKey, Organization, User
from fundraising.models import Campaign, Donation
from payments.models import StripeEvent
from push.models import Delivery
from tests.browser import pages
from tests.browser.desktop import Shown
from tests.browser.firefox import Firefox
from tests.fake_stripe import FakeStripe
from tests.fixtures.product import ROOT, Product
from tests.push_service import PushService
from tests.tickets.conftest import make_mail
from tickets.models import Mailbox

pytestmark = pytest.mark.browser


@pytest.fixture
def mailbox(owner: User, product: Product) -> tuple[Mailbox, str]:
    """The owner's mailbox and its secret token."""
    return Mailbox.make(Organization.personal(owner), "support@shop.example")


@pytest.fixture
def campaign(owner: User, product: Product) -> Campaign:
    campaign: Campaign = Campaign.objects.create(
        organization=Organization.personal(owner),
        made_by=owner,
        title="A roof for the shelter",
        currency="eur",
        minimum=100,
        presets=[1000, 2500],
        state="live",
    )
    return campaign


@pytest.fixture
def telling_stripe(product: Product, stripe: FakeStripe) -> FakeStripe:
    """A Stripe that posts its events to the product."""
    stripe.sender.url = f"{product.url}/webhooks/stripe"
    return stripe


def post(url: str, body: bytes, **headers: str) -> Any:
    """What the product answers to a program."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urllib.request.urlopen(urllib.request.Request(url, body, named), timeout=20) as answer:
        return json.load(answer)


@pytest.fixture
def phone(product: Product, push_service: PushService, firefox: Firefox, owner: User) -> Firefox:
    """The owner's, with push on and every tab closed: only the push service reaches it."""
    pages.subscribe(firefox, product, owner)
    firefox.close_tabs()
    push_service.clear()
    return firefox


def tap(browser: Firefox, product: Product, shown: Shown, path: str) -> Page:
    """The page that opens."""
    browser.desktop.click(shown)
    return pages.wait_for_tab(browser, product.url + path)


def expect_one_push(push_service: PushService, kind: str) -> None:
    """One event was pushed since push was turned on: to one device, and at once."""
    [delivery] = Delivery.objects.exclude(kind="push.welcome")
    [post] = push_service.posts
    assert (delivery.kind, post.status, post.problem) == (kind, 201, "")
    assert post.headers["urgency"] == "high"


def test_a_first_mail_is_a_ticket_and_the_tap_opens_it(
    product: Product,
    push_service: PushService,
    phone: Firefox,
    owner: User,
    mailbox: tuple[Mailbox, str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(make_mail("Smoke everywhere.", Subject="Printer on fire"))
    command = [sys.executable, "manage.py", "receive_mail", "--mailbox", mailbox[0].address, file]
    said = subprocess.run(
        command, cwd=ROOT, env=product.environment, check=True, capture_output=True, text=True
    )
    assert said.stdout == "ticket TKT-001\n"

    shown = phone.desktop.wait_for("New ticket from Cora Customer")
    assert shown.body == "TKT-001: Printer on fire"
    page = tap(phone, product, shown, "/Support/TKT-001")
    expect(page.get_by_test_id("conversation")).to_contain_text("Smoke everywhere.")
    expect_one_push(push_service, "tickets.opened")


def test_a_customers_answer_to_the_mail_that_went_out_opens_its_ticket(
    product: Product,
    push_service: PushService,
    firefox: Firefox,
    owner: User,
    mailbox: tuple[Mailbox, str],
) -> None:
    door = f"{product.url}/webhooks/mail/{mailbox[1]}"
    assert post(door, make_mail("Smoke everywhere.")) == {"kind": "ticket", "number": "TKT-001"}
    page = pages.subscribe(firefox, product, owner)
    page.goto(f"{product.url}/Support/TKT-001")
    page.get_by_label("Your answer").fill("Put it out first.")
    page.get_by_test_id("reply-send").click()
    expect(page.get_by_test_id("conversation")).to_contain_text("Put it out first.")
    keep = firefox.close_tabs()
    [sent] = pages.until(keep, lambda: product.mail.delivered, "the answer goes out as mail")
    assert sent.recipients == ["cora@customer.example"]
    push_service.clear()

    answer = make_mail(
        "It burns no more.",
        To=str(sent.mail["Reply-To"]),
        Subject=f"Re: {sent.mail['Subject']}",
        In_Reply_To=str(sent.mail["Message-ID"]),
    )
    assert post(door, answer) == {"kind": "reply", "number": "TKT-001"}

    shown = firefox.desktop.wait_for("Cora Customer replied in TKT-001")
    assert shown.body == "It burns no more."
    page = tap(firefox, product, shown, "/Support/TKT-001")
    expect(page.get_by_test_id("message")).to_have_count(3)
    expect(page.get_by_test_id("message").last).to_contain_text("It burns no more.")
    expect_one_push(push_service, "tickets.replied")


def test_a_checkout_that_a_buyer_pays_reaches_the_merchant(
    product: Product,
    push_service: PushService,
    phone: Firefox,
    second_firefox: Firefox,
    telling_stripe: FakeStripe,
    owner: User,
) -> None:
    _row, key = ApiKey.make(owner, Organization.personal(owner), "shop", ["payment-api"], test=True)
    order = {"amount": 1250, "currency": "eur", "description": "Two mugs"}
    order["success_url"] = f"{telling_stripe.url}/"  # a shop's own page: the webhook alone tells us
    checkout = post(
        f"{product.url}/api/payment/checkouts",
        json.dumps(order).encode(),
        X_Api_Key=key,
        Content_Type="application/json",
    )
    buyer = second_firefox.open(checkout["url"])
    expect(buyer.get_by_test_id("demo-amount")).to_contain_text("12.50")
    buyer.get_by_test_id("demo-pay").click()

    shown = phone.desktop.wait_for("Test: €12.50 paid")
    assert shown.body == "Two mugs"
    page = tap(phone, product, shown, f"/Money/Transactions/{checkout['id']}")
    expect(page.get_by_role("article")).to_contain_text("Two mugs")
    expect_one_push(push_service, "payments.paid")
    pages.until(page, lambda: StripeEvent.objects.filter(status="processed").exists())


def test_a_donation_marked_by_hand_is_heard_on_every_other_device(
    product: Product,
    push_service: PushService,
    phone: Firefox,
    second_firefox: Firefox,
    owner: User,
    campaign: Campaign,
) -> None:
    desk = pages.subscribe(second_firefox, product, owner)
    push_service.clear()
    donation = Donation.begin(campaign, uuid.uuid4(), amount=2500, source="bank", name="Dora Donor")
    desk.goto(product.url + campaign.get_absolute_url())
    desk.get_by_test_id("mark-paid").click()
    desk.get_by_test_id("mark-paid-confirm").click()
    expect(desk.get_by_test_id("donation")).to_contain_text("Marked as paid by Olga Owner")

    shown = phone.desktop.wait_for("Dora Donor gave €25.00")
    assert shown.body == "A roof for the shelter"
    page = tap(phone, product, shown, donation.get_absolute_url())
    expect(page.get_by_test_id("donation")).to_contain_text("Dora Donor")
    expect_one_push(push_service, "fundraising.donation_paid")
    assert second_firefox.desktop.on_screen == []


def test_a_donation_paid_by_card_is_told_as_a_donation_alone(
    product: Product,
    push_service: PushService,
    phone: Firefox,
    second_firefox: Firefox,
    telling_stripe: FakeStripe,
    owner: User,
    campaign: Campaign,
) -> None:
    donor = second_firefox.open(product.url + campaign.public_path())
    donor.get_by_text("€25.00", exact=True).click()
    donor.get_by_label("Name (optional)").fill("Dora Donor")
    donor.get_by_test_id("give").click()
    donor.get_by_test_id("demo-pay").click()
    expect(donor.get_by_test_id("thanks")).to_contain_text("Your donation has arrived.")

    shown = phone.desktop.wait_for("Test: Dora Donor gave €25.00")
    donation = Donation.objects.get()
    page = tap(phone, product, shown, donation.get_absolute_url())
    expect(page.get_by_test_id("donation")).to_contain_text("Dora Donor")
    pages.until(page, lambda: StripeEvent.objects.filter(status="processed").exists())
    expect_one_push(push_service, "fundraising.donation_paid")
