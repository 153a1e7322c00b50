"""``/Account/Manage``: the cards that the apps offer, in the order of ``settings.ACCOUNT_CARDS``."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache

from accounts.requests import SignedInRequest


@never_cache
@login_required
def manage(request: SignedInRequest, status: int = 200) -> HttpResponse:
    """A card's context function is given the request, and may find there a form that was refused."""
    cards = [
        render_to_string(template, import_string(function)(request), request)
        for template, function in settings.ACCOUNT_CARDS
    ]
    return render(request, "push/manage.html", {"cards": cards}, status=status)
