"""Profile, devices and sessions of oneself. Signing in and passwords are allauth's views: see ``urls.py``."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import DeviceForm, ProfileForm
from accounts.models import Device, User
from accounts.requests import SignedInRequest, form_target


def get_device_for(request: SignedInRequest, public_id: str) -> Device:
    """One of the person's own devices; 404 for everybody else's, as if there were none."""
    return get_object_or_404(
        Device.objects.select_related("user"), user=request.user, public_id=public_id
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Saves the profile. What is wrong is shown on the account page, in the form that was sent."""
    if request.method != "POST":
        return redirect(f"{settings.ACCOUNT_PAGE_URL}#profile")
    # A copy: the form writes into it what was typed, and the page must show what is stored.
    form = ProfileForm(request.POST, instance=User.objects.get(pk=request.user.pk))
    if form.is_valid():
        form.save()
        messages.success(request, _("Your profile has been saved."))
        return redirect(f"{settings.ACCOUNT_PAGE_URL}#profile")
    request.rejected_profile_form = form  # type: ignore[attr-defined]
    page: HttpResponse = import_string(settings.ACCOUNT_PAGE)(request, status=422)
    return page


@form_target(settings.ACCOUNT_PAGE_URL)
def device(request: SignedInRequest, public_id: str) -> HttpResponse:
    """Renames a device."""
    found = get_device_for(request, public_id)
    form = DeviceForm(request.POST, instance=found)
    if form.is_valid():
        found.rename(form.cleaned_data["name"])
        messages.success(request, _("The device is now called “%(name)s”.") % {"name": found.name})
    else:
        problem = form.errors["name"][0]
        messages.error(request, _("The name was not changed. %(problem)s") % {"problem": problem})
    return redirect(f"{settings.ACCOUNT_PAGE_URL}#devices")


@form_target(settings.ACCOUNT_PAGE_URL)
def device_removal(request: SignedInRequest, public_id: str) -> HttpResponse:
    """Removes a device: push ends on it and its session is over. Removing this one signs out."""
    found = get_device_for(request, public_id)
    is_this_one = request.device is not None and found.pk == request.device.pk
    with transaction.atomic():
        if is_this_one:
            get_adapter(request).logout(request)
        found.remove()
    messages.success(request, _("“%(name)s” has been removed.") % {"name": found.name})
    if is_this_one:
        return redirect("account_login")
    return redirect(f"{settings.ACCOUNT_PAGE_URL}#devices")


@form_target(settings.ACCOUNT_PAGE_URL)
def other_sessions_closure(request: SignedInRequest) -> HttpResponse:
    """Signs out everywhere else: every other session ends, and push on every other device."""
    request.user.sign_out_everywhere(
        but=request.device, but_session=request.session.session_key or ""
    )
    messages.success(request, _("You are signed out everywhere else, and push is off there."))
    return redirect(f"{settings.ACCOUNT_PAGE_URL}#security")
