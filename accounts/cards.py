"""What the account page's cards of this app are given (``settings.ACCOUNT_CARDS``)."""

from typing import Any

from accounts.forms import ProfileForm
from accounts.requests import SignedInRequest


def profile(request: SignedInRequest) -> dict[str, Any]:
    """The form; after a rejected one (``accounts.views.profile``) that one, with its errors."""
    rejected = getattr(request, "rejected_profile_form", None)
    return {"profile_form": rejected or ProfileForm(instance=request.user)}


def security(request: SignedInRequest) -> dict[str, Any]:
    return {"has_password": request.user.has_usable_password()}
