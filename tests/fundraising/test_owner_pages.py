"""``/Money/Campaigns``: for those who manage a campaign, and for nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Device, Membership, Organization, User
from fundraising.models import Campaign, Donation
from push.models import Notification
from tests.fundraising.conftest import MakeCampaign, Pledge

FORM = {
    "title": "A roof for the shelter",
    "story": "It rains in.\r\nA lot.",
    "currency": "eur",
    "goal_text": "1000",
    "minimum_text": "2,50",
    "presets_text": "50, 10 12,50",
    "transfer_details": "DE02",
    "ends_at": "2030-05-01T18:30",
    "state": "live",
}


def make_through_form(desk: Client, **fields: str) -> Any:
    response = desk.get("/Money/Campaigns/New")
    organization = response.context["form"]["organization"].value()
    return desk.post("/Money/Campaigns/New", FORM | {"organization": organization} | fields)


def test_the_empty_list_says_what_it_is_for(desk: Client) -> None:
    assert "No campaign yet" in desk.get("/Money/Campaigns").content.decode()


def test_a_campaign_is_made_in_one_form(desk: Client, owner: User) -> None:
    owner.time_zone = "Europe/Berlin"
    owner.save()
    answer = make_through_form(desk)
    campaign = Campaign.objects.get()
    assert answer["Location"] == f"/Money/Campaigns/{campaign.code}"
    assert (campaign.goal, campaign.minimum, campaign.presets) == (100_000, 250, [1000, 1250, 5000])
    assert campaign.story == "It rains in.\nA lot."
    assert campaign.ends_at
    assert campaign.ends_at.isoformat() == "2030-05-01T16:30:00+00:00"
    assert (campaign.made_by, campaign.organization.personal_of) == (owner, owner)
    assert len(campaign.code) >= 8
    page = desk.get(answer["Location"]).content.decode()
    assert f"http://localhost:8000/c/{campaign.code}" in page


def test_what_may_be_left_out_may_be_left_out(desk: Client) -> None:
    empty = dict.fromkeys(("story", "goal_text", "minimum_text", "presets_text", "ends_at"), "")
    assert make_through_form(desk, **empty).status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.goal, campaign.minimum, campaign.presets) == (None, 50, [])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": " \u202e"}, "Title: what is it for?"),
        ({"goal_text": "1e9"}, "Amount: write it in plain digits"),
        ({"goal_text": "0"}, "Nobody can pay this amount"),
        ({"minimum_text": "0.10"}, "It has to be at least €0.50"),
        ({"presets_text": "10 ten"}, "Amount: write it in plain digits"),
        ({"presets_text": "1 10"}, "Nobody can give €1.00 here."),
        ({"presets_text": "3 4 5 6 7 8 9"}, "At most six fit."),
        ({"currency": "xxx"}, "xxx is not one of the available choices"),
        ({"ends_at": "tomorrow"}, "Enter a valid date/time."),
        ({"state": "gone"}, "gone is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_and_makes_nothing(
    desk: Client, fields: dict[str, str], words: str
) -> None:
    answer = make_through_form(desk, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Campaign.objects.exists()


def test_nobody_makes_a_campaign_for_an_organization_of_others(
    desk: Client, stranger: User
) -> None:
    theirs = Organization.personal(stranger)
    assert make_through_form(desk, organization=str(theirs.pk)).status_code == 422


def test_editing_shows_what_is_there_and_saves_what_was_changed(
    desk: Client, campaign: Campaign
) -> None:
    url = f"/Money/Campaigns/{campaign.code}/Edit"
    form = desk.get(url).context["form"]
    values = {name: form[name].value() or "" for name in FORM}
    assert (values["goal_text"], values["minimum_text"]) == ("1000", "1")
    assert values["presets_text"] == "10 25"
    answer = desk.post(url, values | {"title": "Two roofs", "state": "paused"}, follow=True)
    assert "Saved." in answer.content.decode()
    campaign.refresh_from_db()
    assert (campaign.title, campaign.state, campaign.goal) == ("Two roofs", "paused", 100_000)


def test_currency_is_fixed_by_the_first_donation_and_live_never_becomes_a_draft(
    desk: Client, campaign: Campaign, pledge: Pledge
) -> None:
    pledge()
    url = f"/Money/Campaigns/{campaign.code}/Edit"
    assert desk.post(url, FORM | {"currency": "usd"}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.currency == "eur"
    assert desk.post(url, FORM | {"state": "draft"}).status_code == 422


def pages_of(donation: Donation) -> list[str]:
    base = f"/Money/Campaigns/{donation.campaign.code}"
    return [base, f"{base}/Edit", f"{base}/{donation.public_id}/Payment"]


def test_strangers_find_nothing_and_agents_have_no_say(
    pledge: Pledge, stranger: User, colleague: User
) -> None:
    donation = pledge()
    Membership.objects.create(
        organization=donation.campaign.organization, user=colleague, role="agent"
    )
    for user in (stranger, colleague):
        client = Client()
        client.force_login(user)
        for url in pages_of(donation):
            assert client.get(url).status_code == 404
            assert client.post(url, {"source": "cash"}).status_code in (404, 405)
        assert "A roof" not in client.get("/Money/Campaigns").content.decode()
        assert client.get(f"/Money/Campaigns?before={donation.campaign.code}").status_code == 404
    assert Donation.objects.get().status == "pending"


def test_an_admin_of_the_organization_manages_it_too(pledge: Pledge, colleague: User) -> None:
    donation = pledge()
    Membership.objects.create(
        organization=donation.campaign.organization, user=colleague, role="admin"
    )
    client = Client()
    client.force_login(colleague)
    for url in pages_of(donation):
        assert client.get(url).status_code == 200


def test_signed_out_people_sign_in_first(pledge: Pledge) -> None:
    for url in pages_of(pledge()):
        assert Client().get(url)["Location"] == f"/Account/Login?next={url}"


def test_a_donation_of_another_campaign_is_not_found_here(
    desk: Client, pledge: Pledge, make_campaign: MakeCampaign
) -> None:
    url = f"/Money/Campaigns/{make_campaign().code}/{pledge().public_id}/Payment"
    assert desk.post(url, {"source": "cash"}).status_code == 404


def test_marking_says_how_and_is_heard_on_every_device_but_this_one(
    desk: Client, pledge: Pledge, owner: User
) -> None:
    donation = pledge()
    url = pages_of(donation)[2]
    assert "Dora Donor" in desk.get(url).content.decode()
    answer = desk.post(url, {"source": "bank", "note": "statement\n 12"}, follow=True)
    page = answer.content.decode()
    assert "Marked as paid: €25.00." in page
    assert f"Marked as paid by {owner}" in page
    assert "statement 12" in page
    donation.refresh_from_db()
    assert (donation.status, donation.marked_by, donation.note) == ("paid", owner, "statement 12")
    notification = Notification.objects.get()
    assert notification.user == owner
    assert notification.device == Device.objects.get(user=owner)


def test_marking_twice_changes_nothing_and_says_so(desk: Client, pledge: Pledge) -> None:
    url = pages_of(pledge())[2]
    desk.post(url, {"source": "bank"})
    answer = desk.post(url, {"source": "cash"}, follow=True)
    assert "had been paid already" in answer.content.decode()
    assert Donation.objects.get().source == "bank"
    assert "had been paid already" in desk.get(url).content.decode()


@pytest.mark.parametrize("source", ["", "stripe", "gold"])
def test_marking_needs_a_way_that_money_can_come_by_hand(
    desk: Client, pledge: Pledge, source: str
) -> None:
    assert desk.post(pages_of(pledge())[2], {"source": source}).status_code == 422
    assert Donation.objects.get().status == "pending"


def test_money_that_came_twice_is_seen(desk: Client, pledge: Pledge, owner: User) -> None:
    donation = pledge()
    for key in ("one", "two"):
        donation.mark_paid("cash", owner, key)
    page = desk.get(donation.campaign.get_absolute_url()).content.decode()
    assert "1 donation was paid again" in page
    assert "Paid again: €25.00, Cash" in page


def test_the_tap_on_a_notification_finds_an_old_donation(
    desk: Client, campaign: Campaign, pledge: Pledge
) -> None:
    rows = [pledge(name=f"Donor {number}") for number in range(70)]
    page = desk.get(rows[3].get_absolute_url())
    assert f'id="{rows[3].public_id}"' in page.content.decode()
    assert page.context["sought"] == rows[3].public_id
    first = desk.get(rows[68].get_absolute_url())
    assert first.context["is_first_page"]
    assert f'id="{rows[68].public_id}"' in first.content.decode()


def read_through(desk: Client, url: str, rows: str, name: Callable[[Any], str]) -> list[str]:
    """What all pages list, by following Older."""
    seen: list[str] = []
    query = ""
    while True:
        context = desk.get(url + query).context
        seen += [name(row) for row in context[rows]]
        older = context["older"]
        if older is None:
            return seen
        query = f"?before={getattr(older, 'public_id', None) or older.code}"


def test_lists_are_paged_newest_first_and_show_each_row_once(
    desk: Client, campaign: Campaign, pledge: Pledge, make_campaign: MakeCampaign
) -> None:
    now = timezone.now()
    donations = [pledge() for _number in range(65)]
    Donation.objects.update(created_at=now)
    url = campaign.get_absolute_url()
    seen = read_through(desk, url, "donations", lambda row: str(row.public_id))
    assert seen == [row.public_id for row in reversed(donations)]
    campaigns = [campaign, *(make_campaign() for _number in range(64))]
    codes = read_through(desk, "/Money/Campaigns", "rows", lambda row: str(row["campaign"].code))
    assert codes == [row.code for row in reversed(campaigns)]


def test_lists_cost_the_same_queries_however_long_they_are(
    desk: Client, campaign: Campaign, pledge: Pledge, owner: User,
    make_campaign: MakeCampaign, django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for number in range(20):
        pledge(make_campaign()).mark_paid_by_hand("bank", owner)
        donation = pledge()
        for key in ("one", "two"):
            donation.mark_paid("cash", owner, f"{key} {number}")
    desk.get("/Money/Campaigns")
    for url in ("/Money/Campaigns", campaign.get_absolute_url(), "/"):
        with django_assert_max_num_queries(22):
            desk.get(url)


def test_the_list_and_the_tile_show_what_came_in(desk: Client, pledge: Pledge, owner: User) -> None:
    pledge(amount=50_000).mark_paid_by_hand("bank", owner)
    pledge()
    for url in ("/Money/Campaigns", "/"):
        page = desk.get(url).content.decode()
        assert "€500.00" in page
        assert "50 %" in page


def test_an_administrator_marks_several_at_once(
    admin_client: Client, pledge: Pledge, owner: User
) -> None:
    paid, waiting, other = pledge(), pledge(), pledge()
    paid.mark_paid("bank", owner, "by Stripe, say")
    answer = admin_client.post(
        "/admin/fundraising/donation/",
        {"action": "mark_paid_in_cash", "_selected_action": [paid.pk, waiting.pk]},
        follow=True,
    )
    assert "1 donation is marked as paid." in answer.content.decode()
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.status, waiting.source, other.status) == ("paid", "cash", "pending")
    assert Notification.objects.filter(user=owner).count() == 2
    assert not paid.overpayments.exists()


def test_in_the_admin_money_is_looked_at_not_edited(admin_client: Client, pledge: Pledge) -> None:
    donation = pledge(origin="where it came from")
    page = admin_client.get(f"/admin/fundraising/donation/{donation.pk}/change/")
    assert "where it came from" not in page.content.decode()
    url = f"/admin/fundraising/donation/{donation.pk}"
    assert admin_client.post(f"{url}/change/", {"status": "paid"}).status_code == 403
    assert admin_client.post(f"{url}/delete/").status_code == 403
    for model in ("campaign", "donation", "overpayment"):
        assert admin_client.get(f"/admin/fundraising/{model}/").status_code == 200
