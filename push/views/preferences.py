"""The card "Notification preferences": a switch for each kind, and the account's master switch."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.requests import SignedInRequest, form_target
from push.models import Preference
from push.notices import preferences
from push.notices.kinds import Group, Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind with its switch."""

    kind: Kind
    is_on: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A group's heading and its kinds."""

    label: Promise | str
    choices: list[Choice]


def context(request: HttpRequest) -> dict[str, Any]:
    """Two queries. The groups stand in the order of ``Group``."""
    user = cast(SignedInRequest, request).user
    off = preferences.switched_off(user)
    order = list(Group)
    kinds = sorted(preferences.choosable(user), key=lambda kind: order.index(kind.group))
    sections = [
        Section(
            preferences.GROUP_LABELS[group],
            [Choice(kind, kind.name not in off) for kind in members],
        )
        for group, members in groupby(kinds, key=lambda kind: kind.group)
    ]
    return {"sections": sections, "push_enabled": Preference.push_is_on(user)}


@form_target(reverse_lazy("push:manage"))
def save(request: SignedInRequest) -> HttpResponse:
    """Stores the switches as they were sent; unknown names change nothing."""
    with transaction.atomic():
        preferences.choose(request.user, request.POST.getlist("kind"))
        Preference.set_push(request.user, "push_enabled" in request.POST)
    messages.success(request, _("Your notification preferences have been saved."))
    return redirect(reverse("push:manage") + "#preferences")
