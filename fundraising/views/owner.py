"""``/Money/Campaigns``: making campaigns, seeing who gave, marking what came by other ways."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import SignedInRequest
from fundraising.campaign_form import CampaignForm
from fundraising.forms import PaidForm
from fundraising.models import Campaign, Donation, Overpayment

PAGE_SIZE = 30
TILE_SIZE = 3


def get_campaign_for(request: SignedInRequest, code: str) -> Campaign:
    """The campaign, when this person manages it; 404 for everybody else, as if there were none."""
    rows = Campaign.objects.for_user(request.user).by_code(code)
    campaign: Campaign | None = rows.select_related("organization", "made_by").first()
    if campaign is None:
        raise Http404(_("There is no such campaign."))
    return campaign


def get_donation_for(request: SignedInRequest, code: str, public_id: str) -> Donation:
    """A donation of a campaign that this person manages."""
    campaign = get_campaign_for(request, code)
    rows = campaign.donations.select_related("transaction", "marked_by")
    donation: Donation | None = rows.filter(public_id=public_id).first()
    if donation is None:
        raise Http404(_("There is no such donation."))
    donation.campaign = campaign
    return donation


@login_required
@require_safe
def campaigns(request: SignedInRequest) -> HttpResponse:
    before = request.GET.get("before")
    start = get_campaign_for(request, before) if before else None
    rows = Campaign.objects.for_user(request.user).before(start)
    found = list(rows.with_amounts().select_related("organization")[: PAGE_SIZE + 1])
    context = {
        "rows": [_row(campaign) for campaign in found[:PAGE_SIZE]],
        "older": found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None,
        "is_first_page": start is None,
    }
    return render(request, "fundraising/campaigns.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    form = CampaignForm(request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        return redirect(form.save())
    status = 422 if form.errors else 200
    return render(request, "fundraising/edit.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, code: str) -> HttpResponse:
    campaign = get_campaign_for(request, code)
    title = campaign.title  # a form that is rejected leaves its own on the object
    form = CampaignForm(request.user, request.POST or None, instance=campaign)
    if form.is_bound and form.is_valid():
        messages.success(request, _("Saved."))
        return redirect(form.save())
    context = {"form": form, "campaign": campaign, "title": title}
    return render(request, "fundraising/edit.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def campaign(request: SignedInRequest, code: str) -> HttpResponse:
    campaign = get_campaign_for(request, code)
    before, sought = request.GET.get("before"), request.GET.get("donation")
    start = get_donation_for(request, code, before) if before else None
    found = _donations(campaign, start)
    if sought and sought not in {row.public_id for row in found[:PAGE_SIZE]}:
        start = get_donation_for(request, code, sought)
        found = _donations(campaign, start, inclusive=True)
    totals = campaign.totals()
    context = {
        "campaign": campaign,
        "totals": totals,
        "percent": campaign.percent(totals.received),
        "overpaid": Overpayment.objects.filter(donation__campaign=campaign).count(),
        "donations": found[:PAGE_SIZE],
        "older": found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None,
        "is_first_page": start is None,
        "sought": sought,
    }
    return render(request, "fundraising/campaign.html", context)


def _donations(
    campaign: Campaign, start: Donation | None, *, inclusive: bool = False
) -> list[Donation]:
    """One page and one more, newest first."""
    rows = campaign.donations.select_related("transaction", "marked_by")
    rows = rows.prefetch_related("overpayments__transaction", "overpayments__marked_by")
    rows = rows.from_(start) if start is not None and inclusive else rows.before(start)
    found = list(rows[: PAGE_SIZE + 1])
    for donation in found:
        donation.campaign = campaign
    return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def payment(request: SignedInRequest, code: str, public_id: str) -> HttpResponse:
    """Marking a donation as paid by hand."""
    donation = get_donation_for(request, code, public_id)
    form = PaidForm(request.POST or None)
    if form.is_bound and form.is_valid():
        if form.mark(donation, request.user, request.device):
            messages.success(
                request, _("Marked as paid: %(amount)s.") % {"amount": donation.amount_text()}
            )
        else:
            messages.warning(request, _("This donation had been paid already."))
        return redirect(donation)
    context = {"donation": donation, "campaign": donation.campaign, "form": form}
    return render(request, "fundraising/payment.html", context, status=422 if form.errors else 200)


def _row(campaign: Any) -> dict[str, Any]:
    """A campaign with ``received`` and ``donors``, as lists show it."""
    return {"campaign": campaign, "percent": campaign.percent(campaign.received)}


def tile(request: SignedInRequest) -> dict[str, Any]:
    """For the dashboard: the last campaigns and what they have received."""
    rows = Campaign.objects.for_user(request.user).before(None).with_amounts()
    return {"rows": [_row(campaign) for campaign in rows[:TILE_SIZE]]}
