"""A campaign, somebody who visits its page, and the person who made it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization, User
from fundraising.models import Campaign, Donation

type MakeCampaign = Callable[..., Campaign]
type Pledge = Callable[..., Donation]


@pytest.fixture
def make_campaign(owner: User) -> MakeCampaign:
    def make(**fields: Any) -> Campaign:
        values = {
            "organization": Organization.personal(owner),
            "made_by": owner,
            "title": "A roof for the shelter",
            "story": "It rains in.",
            "currency": "eur",
            "minimum": 100,
            "presets": [1000, 2500],
            "state": "live",
        }
        campaign: Campaign = Campaign.objects.create(**values | fields)
        return campaign

    return make


@pytest.fixture
def campaign(make_campaign: MakeCampaign) -> Campaign:
    return make_campaign(goal=100_000)


@pytest.fixture
def pledge(campaign: Campaign) -> Pledge:
    """A promise of a bank transfer, made through the model."""

    def make(campaign: Campaign = campaign, **fields: Any) -> Donation:
        gift = {"amount": 2500, "source": "bank", "name": "Dora Donor", "email": "dora@example.com"}
        return Donation.begin(campaign, uuid.uuid4(), **gift | fields)

    return make


class Visitor:
    """Somebody with a browser and no account."""

    def __init__(self, campaign: Campaign) -> None:
        self.client = Client()
        self.url = f"/c/{campaign.code}"

    def page(self) -> str:
        return self.client.get(self.url).content.decode()

    def form_id(self) -> str:
        return str(self.client.get(self.url).context["form"]["client_id"].value())

    def give(self, amount: str = "25", how: str = "stripe", **fields: str) -> Any:
        """Fills in the form as it is on the page, and presses Give."""
        form = {"amount": amount, "how": how, "email": "dora@example.com", "website": ""}
        form["client_id"] = fields.pop("client_id", None) or self.form_id()
        return self.client.post(self.url, form | fields)


@pytest.fixture
def visitor(campaign: Campaign) -> Visitor:
    return Visitor(campaign)


@pytest.fixture
def desk(owner: User) -> Client:
    """The owner's browser."""
    client = Client()
    client.force_login(owner)
    return client
