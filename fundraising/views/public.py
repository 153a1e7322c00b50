"""``/c/{code}``: where everybody can give, with or without an account, with or without JavaScript."""

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import client_address
from fundraising import limits
from fundraising.forms import DonateForm
from fundraising.models import Campaign, Donation
from payments import gateway
from payments.fulfilment import fulfil
from payments.models import Transaction

RECENT = 12
RETRY_AFTER = str(int(limits.WINDOW.total_seconds()))

logger = logging.getLogger(__name__)


def get_public_campaign(request: HttpRequest, code: str) -> Campaign:
    """The campaign that the link names; a draft only for those who manage it, 404 for all others."""
    rows = Campaign.objects.by_code(code).select_related("organization", "made_by")
    campaign: Campaign | None = rows.first()
    if campaign is None or (
        campaign.state == Campaign.State.DRAFT and not _manages(request, campaign)
    ):
        raise Http404(_("There is no such campaign."))
    return campaign


def _manages(request: HttpRequest, campaign: Campaign) -> bool:
    if not request.user.is_authenticated:
        return False
    return Campaign.objects.for_user(request.user).filter(pk=campaign.pk).exists()


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, code: str) -> HttpResponse:
    campaign = get_public_campaign(request, code)
    if request.method != "POST":
        return _page(request, campaign, DonateForm(campaign))
    form = DonateForm(campaign, request.POST)
    if not campaign.is_open():
        return _page(request, campaign, form, status=409)
    if not form.is_valid():
        return _page(request, campaign, form, status=422)
    origin = limits.origin_of(client_address(request))
    if limits.is_reached(campaign, origin):
        form.add_error(
            None, _("Many donations were begun in the last minutes. Please try again later.")
        )
        response = _page(request, campaign, form, status=429)
        response.headers["Retry-After"] = RETRY_AFTER
        return response
    return _give(request, form, origin)


def _give(request: HttpRequest, form: DonateForm, origin: str) -> HttpResponse:
    """To Stripe, or to the thanks for a promise. While Stripe is down the form stays as it was filled in."""
    donation = form.give(origin)
    if donation.source != Donation.Source.STRIPE or donation.status != Donation.Status.PENDING:
        return redirect(donation.thanks_path())
    try:
        return redirect(donation.checkout().checkout_url)
    except gateway.GatewayError as error:
        logger.warning("There is no checkout for %s: %s", donation, error)
        if error.refused:
            form.add_error(None, _("Stripe did not take this: %(why)s") % {"why": error})
            return _page(request, form.campaign, form, status=422)
        form.add_error(
            None,
            _("The payment page cannot be opened at the moment. Nothing was paid; try again soon."),
        )
        return _page(request, form.campaign, form, status=503)


def _page(
    request: HttpRequest, campaign: Campaign, form: DonateForm, status: int = 200
) -> HttpResponse:
    totals = campaign.totals()
    context = {
        "campaign": campaign,
        "form": form,
        "totals": totals,
        "percent": campaign.percent(totals.received),
        "donations": campaign.donations.shown()[:RECENT],
        "is_draft": campaign.state == Campaign.State.DRAFT,
    }
    return render(request, "fundraising/page.html", context, status=status)


@never_cache
@require_safe
def thanks(request: HttpRequest, code: str, public_id: str) -> HttpResponse:
    """Where the donor comes back to. Asks Stripe itself: the webhook may be on its way still."""
    rows = Donation.objects.select_related("campaign__organization", "transaction")
    donation: Donation | None = rows.filter(public_id=public_id, campaign__code=code).first()
    if donation is None:
        raise Http404(_("There is no such donation."))
    _ask_stripe(donation)
    context = {"donation": donation, "campaign": donation.campaign}
    return render(request, "fundraising/thanks.html", context)


def _ask_stripe(donation: Donation) -> None:
    checkout = donation.transaction
    if checkout is None or checkout.status != Transaction.Status.PENDING:
        return
    if donation.status == Donation.Status.PENDING and checkout.checkout_session_id:
        try:
            fulfil(checkout.checkout_session_id)
        except gateway.GatewayError as error:
            logger.warning("Stripe could not be asked about %s: %s", donation, error)
        donation.refresh_from_db()
