"""The public page: from a visitor's click to money, or to a promise of it."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_ox.testing import run_tasks

from accounts.models import User
from fundraising import limits
from fundraising.models import Campaign, Donation
from payments.models import Transaction
from push.models import Notification
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.server import Fault
from tests.fake_stripe.webhooks import sign
from tests.fundraising.conftest import MakeCampaign, Pledge, Visitor


def deliver_last_event(stripe: FakeStripe) -> int:
    """Posts it as Stripe does, and lets the tasks run."""
    body = json.dumps(list(stripe.store.events.values())[-1]).encode()
    headers = {"Stripe-Signature": sign(body, stripe.sender.secret)}
    answer = Client().post(
        "/webhooks/stripe", body, content_type="application/json", headers=headers
    )
    run_tasks()
    return answer.status_code


def test_a_visitor_gives_by_card_and_the_owner_hears_it_once(
    stripe: FakeStripe, visitor: Visitor, owner: User, campaign: Campaign
) -> None:
    answer = visitor.give("12,50", name="Dora Donor")
    donation = Donation.objects.get()
    session = stripe.store.get(str(donation.transaction.checkout_session_id))
    assert (answer.status_code, answer["Location"]) == (302, session["url"])
    assert (session["amount_total"], session["currency"]) == (1250, "eur")
    assert session["customer_email"] == "dora@example.com"
    assert session["cancel_url"] == f"http://localhost:8000/c/{campaign.code}"
    stripe.store.complete(session["id"])
    for _time in range(2):
        assert deliver_last_event(stripe) == 200
    donation.refresh_from_db()
    assert (donation.status, donation.source, bool(donation.paid_at)) == ("paid", "stripe", True)
    [notification] = Notification.objects.all()
    assert (notification.user, notification.kind) == (owner, "fundraising.donation_paid")
    assert notification.title == "Test: Dora Donor gave €12.50"
    assert notification.body == "A roof for the shelter"
    assert notification.url == (
        f"/Money/Campaigns/{campaign.code}?donation={donation.public_id}#{donation.public_id}"
    )


def test_a_donor_who_comes_back_before_the_webhook_is_thanked(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    visitor.give()
    donation = Donation.objects.get()
    session = stripe.store.complete(str(donation.transaction.checkout_session_id))
    path = session["success_url"].removeprefix("http://localhost:8000")
    assert path == donation.thanks_path()
    assert "Your donation has arrived" in visitor.client.get(path).content.decode()
    deliver_last_event(stripe)
    assert Notification.objects.count() == 1


def test_a_donor_who_comes_back_early_is_told_to_wait(stripe: FakeStripe, visitor: Visitor) -> None:
    visitor.give()
    stripe.faults.append(Fault(500))
    page = visitor.client.get(Donation.objects.get().thanks_path()).content.decode()
    assert "is being confirmed" in page


def test_the_thanks_tell_nobody_who_the_donor_is(visitor: Visitor, pledge: Pledge) -> None:
    page = visitor.client.get(pledge().thanks_path()).content.decode()
    assert "€25.00" in page
    assert "Dora" not in page
    assert "dora@" not in page


def test_a_donation_is_found_on_its_own_campaign_only(
    visitor: Visitor, pledge: Pledge, make_campaign: MakeCampaign
) -> None:
    path = f"/c/{make_campaign().code}/thanks/{pledge().public_id}"
    assert visitor.client.get(path).status_code == 404
    assert visitor.client.get(f"{visitor.url}/thanks/don_none").status_code == 404


def test_a_promise_is_a_pending_donation_and_shows_where_to_send_the_money(
    visitor: Visitor, campaign: Campaign
) -> None:
    Campaign.objects.update(transfer_details="Shelter e.V.\nDE02 1203 0000 0000 2020 51")
    answer = visitor.give("40", how="bank", name="Dora", message="Get well")
    donation = Donation.objects.get()
    assert answer["Location"] == donation.thanks_path()
    assert (donation.status, donation.source, donation.amount) == ("pending", "bank", 4000)
    assert donation.transaction is None
    page = visitor.client.get(answer["Location"]).content.decode()
    assert "DE02 1203 0000 0000 2020 51" in page
    assert campaign.totals().promised == 4000
    assert not Notification.objects.exists()
    assert "Get well" not in visitor.page()


def test_a_promise_needs_an_address(visitor: Visitor) -> None:
    answer = visitor.give(how="bank", email="")
    assert answer.status_code == 422
    assert "E-mail address: needed for a bank transfer" in answer.content.decode()
    assert not Donation.objects.exists()


def test_without_stripe_the_page_offers_the_promise_alone(visitor: Visitor) -> None:
    page = visitor.page()
    assert 'name="how" value="bank"' in page
    assert 'value="stripe"' not in page
    assert visitor.give(how="stripe").status_code == 422


def test_a_suggested_amount_is_given_by_one_click(stripe: FakeStripe, visitor: Visitor) -> None:
    visitor.give("", preset="2500")
    assert Donation.objects.get().amount == 2500


def test_what_was_typed_goes_before_what_was_ticked(stripe: FakeStripe, visitor: Visitor) -> None:
    visitor.give("7", preset="2500")
    assert Donation.objects.get().amount == 700


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": ""}, "Amount: choose or type one."),
        ({"amount": "1e9"}, "Amount: write it in plain digits"),
        ({"amount": "１２"}, "Amount: write it in plain digits"),
        ({"amount": "-5"}, "Amount: write it in plain digits"),
        ({"amount": "NaN"}, "Amount: write it in plain digits"),
        ({"amount": "1,000"}, "Amount: write it in plain digits"),
        ({"amount": "0"}, "Amount: The amount has to be at least €0.50."),
        ({"amount": "0.99"}, "Amount: The amount has to be at least €1.00."),
        ({"amount": "1000000"}, "Amount: The amount may be at most €999,999.99."),
        ({"amount": "9" * 30}, "Amount: that is too long"),
        ({"amount": "", "preset": "77"}, "Amount: this one is not offered any more."),
        ({"email": "nobody"}, "E-mail address: write it like"),
        ({"name": "x" * 81}, "Name: at most 80 characters."),
        ({"message": "x" * 501}, "Message: at most 500 characters."),
        ({"how": "cash"}, "How to pay: choose one"),
        ({"client_id": "1"}, "client_id is not a UUID"),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_understood_is_said_at_its_field(
    stripe: FakeStripe, visitor: Visitor, fields: dict[str, str], words: str
) -> None:
    answer = visitor.give(**fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Donation.objects.exists()
    assert not stripe.seen


def test_a_rejected_form_keeps_what_was_filled_in(stripe: FakeStripe, visitor: Visitor) -> None:
    client_id = visitor.form_id()
    page = visitor.give("1e9", name="Dora Donor", client_id=client_id).content.decode()
    assert 'value="1e9"' in page
    assert 'value="Dora Donor"' in page
    assert client_id in page


def test_pressing_twice_is_one_donation_with_one_checkout(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    client_id = visitor.form_id()
    urls = {visitor.give(client_id=client_id)["Location"] for _press in range(2)}
    assert len(urls) == 1
    assert (Donation.objects.count(), len(stripe.store.sessions)) == (1, 1)


def test_another_amount_from_an_old_form_is_another_donation(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    client_id = visitor.form_id()
    visitor.give("10", client_id=client_id)
    visitor.give("20", client_id=client_id)
    assert sorted(Donation.objects.values_list("amount", flat=True)) == [1000, 2000]


def test_a_form_whose_donation_is_paid_pays_nothing_again(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    client_id = visitor.form_id()
    visitor.give(client_id=client_id)
    donation = Donation.objects.get()
    stripe.store.complete(str(donation.transaction.checkout_session_id))
    deliver_last_event(stripe)
    assert visitor.give(client_id=client_id)["Location"] == donation.thanks_path()
    assert Donation.objects.count() == 1


def test_while_stripe_is_down_the_form_stays_and_a_repeat_goes_on(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    client_id = visitor.form_id()
    stripe.faults.append(Fault(500, after=True))
    answer = visitor.give(client_id=client_id, name="Dora Donor")
    assert answer.status_code == 503
    page = answer.content.decode()
    assert "cannot be opened at the moment" in page
    assert "Dora Donor" in page
    assert visitor.give(client_id=client_id, name="Dora Donor").status_code == 302
    assert (Donation.objects.count(), Transaction.objects.count()) == (1, 1)
    assert len(stripe.store.sessions) == 1


def test_what_stripe_refuses_is_said_and_may_be_corrected(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    client_id = visitor.form_id()
    answer = visitor.give(client_id=client_id, email="dora@localhost")
    assert answer.status_code == 422
    assert "Stripe did not take this: Invalid email address" in answer.content.decode()
    assert visitor.give(client_id=client_id, email="dora@example.org").status_code == 302
    donation = Donation.objects.get()
    assert (donation.email, donation.transaction.status) == ("dora@example.org", "pending")


def test_programs_that_fill_in_everything_give_nothing(
    stripe: FakeStripe, visitor: Visitor
) -> None:
    answer = visitor.give(website="https://spam.example")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "If you are a person, please press Give again" in page
    assert "spam.example" not in page
    assert not stripe.seen
    assert not Donation.objects.exists()


def test_one_address_begins_only_so_many(stripe: FakeStripe, visitor: Visitor) -> None:
    for _time in range(limits.PER_ORIGIN):
        assert visitor.give(how="bank").status_code == 302
    answer = visitor.give()
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert "Please try again later" in answer.content.decode()
    assert Donation.objects.count() == limits.PER_ORIGIN
    visitor.client.defaults["REMOTE_ADDR"] = "198.51.100.7"
    assert visitor.give().status_code == 302
    visitor.client.defaults["REMOTE_ADDR"] = "127.0.0.1"
    Donation.objects.update(created_at=timezone.now() - limits.WINDOW)
    assert visitor.give().status_code == 302


def test_a_header_that_anybody_can_write_is_no_other_address(
    stripe: FakeStripe, visitor: Visitor, settings: Any
) -> None:
    for number in range(limits.PER_ORIGIN + 1):
        visitor.client.defaults["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
        last = visitor.give(how="bank")
    assert last.status_code == 429
    settings.TRUSTED_PROXIES = 1
    assert visitor.give(how="bank").status_code == 302


def test_one_network_of_version_6_is_one_address() -> None:
    one, neighbour, other = map(
        limits.origin_of, ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1")
    )
    assert one == neighbour != other
    assert limits.origin_of("198.51.100.1") != limits.origin_of("198.51.100.2")
    assert "198" not in limits.origin_of("198.51.100.1")


def test_one_campaign_begins_only_so_many(
    stripe: FakeStripe, visitor: Visitor, pledge: Pledge
) -> None:
    donation = pledge()
    Donation.objects.bulk_create(
        Donation(
            campaign=donation.campaign, amount=100, currency="eur", source="bank", livemode=True
        )
        for _number in range(limits.PER_CAMPAIGN - 1)
    )
    assert visitor.give().status_code == 429


def test_a_draft_is_seen_by_those_who_manage_it(
    visitor: Visitor, desk: Client, campaign: Campaign, stranger: User
) -> None:
    Campaign.objects.update(state="draft")
    other = Client()
    other.force_login(stranger)
    for client in (visitor.client, other):
        assert client.get(visitor.url).status_code == 404
        assert client.post(visitor.url, {}).status_code == 404
    page = desk.get(visitor.url).content.decode()
    assert "A draft: only people who manage this campaign" in page
    assert 'data-testid="donate"' not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "paused"}, "is paused and takes no donations"),
        ({"state": "ended"}, "has ended"),
        ({"ends_at": timezone.now() - timedelta(minutes=1)}, "has ended"),
    ],
)
def test_a_campaign_that_is_not_open_says_so_and_takes_nothing(
    stripe: FakeStripe, visitor: Visitor, fields: dict[str, Any], words: str
) -> None:
    client_id = visitor.form_id()
    Campaign.objects.update(**fields)
    page = visitor.page()
    assert words in page
    assert 'data-testid="donate"' not in page
    answer = visitor.give(client_id=client_id)
    assert answer.status_code == 409
    assert words in answer.content.decode()
    assert not Donation.objects.exists()


def test_an_unknown_code_is_not_found_and_codes_keep_their_case(
    client: Client, campaign: Campaign
) -> None:
    assert client.get("/c/nothing99").status_code == 404
    assert client.get(f"/c/{campaign.code.upper()}").status_code == 404
    assert client.get(f"/C/{campaign.code}")["Location"] == f"/c/{campaign.code}"


def test_giving_needs_the_pages_own_token(visitor: Visitor) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(visitor.url).content.decode()
    assert client.post(visitor.url, {"amount": "5", "how": "bank"}).status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    answer = client.post(visitor.url, {"csrfmiddlewaretoken": token[1]})
    assert answer.status_code == 422


def test_the_page_shows_progress_and_who_gave(
    visitor: Visitor, campaign: Campaign, pledge: Pledge, owner: User
) -> None:
    pledge(amount=60_000, message="For\nthe roof").mark_paid_by_hand("bank", owner)
    pledge(amount=70_000, name="").mark_paid_by_hand("cash", owner)
    page = visitor.page()
    assert "€1,300.00" in page
    assert "of €1,000.00 – 130 %" in page
    assert "2 donations" in page
    assert "Dora Donor" in page
    assert "For\nthe roof" in page
    assert "Somebody" in page


def test_test_payments_count_nowhere(
    stripe: FakeStripe, visitor: Visitor, campaign: Campaign
) -> None:
    visitor.give("50", name="Terry Test")
    stripe.store.complete(str(Donation.objects.get().transaction.checkout_session_id))
    deliver_last_event(stripe)
    totals = campaign.totals()
    assert (totals.received, totals.number, totals.test) == (0, 0, 5000)
    page = visitor.page()
    assert "test payments, not counted: €50.00" in page
    assert "Terry Test" not in page


def test_anonymous_holds_on_the_page_and_on_the_lock_screen(
    visitor: Visitor, pledge: Pledge, owner: User, desk: Client, campaign: Campaign
) -> None:
    donation = pledge(anonymous=True)
    donation.mark_paid("other", None, "a payment")
    for public in (visitor.page(), visitor.client.get(donation.thanks_path()).content.decode()):
        assert "Dora" not in public
        assert "dora@" not in public
    notification = Notification.objects.get()
    assert notification.title == "Somebody gave €25.00"
    assert "Dora" not in notification.body
    assert "Dora Donor" in desk.get(campaign.get_absolute_url()).content.decode()


def test_names_and_messages_are_text_that_stays_in_its_place(visitor: Visitor, owner: User) -> None:
    visitor.give(
        how="bank",
        name="\u202eDora\u200b <b>" + "o" + "\u0300" * 40 + "\r\n x",
        message="<script>alert(1)</script>\u2066\r\nsecond line",
    )
    donation = Donation.objects.get()
    assert donation.name == "Dora <b>ò\u0300\u0300 x"
    assert donation.message == "<script>alert(1)</script>\nsecond line"
    donation.mark_paid_by_hand("bank", owner)
    page = visitor.page()
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>" not in page


def test_the_page_costs_the_same_queries_with_many_donors(
    visitor: Visitor, pledge: Pledge, owner: User, django_assert_max_num_queries: Any
) -> None:
    for _number in range(15):
        pledge().mark_paid_by_hand("bank", owner)
    with django_assert_max_num_queries(3):
        page = visitor.page()
    assert page.count("Dora Donor") == 12
