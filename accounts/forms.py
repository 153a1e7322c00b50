"""Forms about oneself. Those about passwords and addresses are allauth's, in our words."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from allauth.account import forms as allauth_forms
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.core import context as current
from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, User
from accounts.models.user import validate_time_zone

REGIONS = "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()
PASSWORD_HELP = _(
    "At least 8 characters. A few unrelated words are easy to remember and hard to guess."
)


@cache
def time_zones() -> list[tuple[str, Any]]:
    """``<select>`` choices, grouped by region; the system's old aliases are left out."""
    named = sorted(name for name in available_timezones() if name.split("/")[0] in REGIONS)
    groups = groupby(named, key=lambda name: name.split("/")[0])
    return [("UTC", "UTC"), *((region, list(_cities(names))) for region, names in groups)]


def _cities(names: Iterator[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        city = name.partition("/")[2].replace("_", " ").replace("/", " / ")
        yield name, city


def one_line(text: str) -> str:
    """Without line breaks and double spaces: names are shown in lists and notifications."""
    return " ".join(text.split())


class LoginForm(allauth_forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["login"], _("E-mail address"))
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        _dress(self.fields["password"], _("Password"))
        self.fields["remember"].label = _("Keep me signed in on this device")
        self.fields["remember"].initial = True


class RegisterForm(allauth_forms.SignupForm):  # type: ignore[misc]
    """E-mail, password once, a name if one likes. The browser adds its time zone."""

    name = forms.CharField(
        label=_("Name (optional)"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.CharField(
        required=False, max_length=64, widget=forms.HiddenInput(attrs={"data-time-zone": ""})
    )
    field_order = ["name", "email", "password1", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["email"], _("E-mail address"))
        _dress(self.fields["password1"], _("Password"), PASSWORD_HELP)

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean_time_zone(self) -> str:
        """A hint from a script, not an answer: what is no time zone counts as none."""
        try:
            validate_time_zone(self.cleaned_data["time_zone"])
        except ValidationError:
            return "UTC"
        return str(self.cleaned_data["time_zone"])

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """The new person; or, where the address is taken, the answer that a new person gets too."""
        try:
            with transaction.atomic():
                return super().try_save(request)  # type: ignore[no-any-return]
        except IntegrityError:  # the same address registered a moment ago
            return None, prevent_enumeration(request, email=self.cleaned_data["email"])

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.time_zone = self.cleaned_data["time_zone"]
        user.save(update_fields=["name", "time_zone"])


class ResetPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["email"], _("E-mail address"))


class _NewPasswordOnce:
    """The new password is asked for once: there is a button that shows it."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        _dress(self.fields["password1"], _("New password"), PASSWORD_HELP)


class _KeepThisSession:
    """Every session and subscription ends but those of the browser that asks."""

    user: User
    cleaned_data: dict[str, Any]

    def save(self) -> None:
        request = current.request
        self.user.change_password(
            self.cleaned_data["password1"],
            device=request.device,
            session_key=request.session.session_key or "",
        )


class ChangePasswordForm(_NewPasswordOnce, _KeepThisSession, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["oldpassword"], _("Current password"))


class SetPasswordForm(_NewPasswordOnce, _KeepThisSession, allauth_forms.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(_NewPasswordOnce, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["password"], _("Password"))


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["name", "time_zone", "language"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "time_zone": forms.Select,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = self.fields["time_zone"].widget
        assert isinstance(widget, forms.Select)  # noqa: S101 - see Meta
        widget.choices = time_zones()
        # An alias that is not offered stays what it is until it is changed.
        listed = {name for _region, names in time_zones()[1:] for name, _city in names} | {"UTC"}
        if self.instance.time_zone not in listed:
            zone = self.instance.time_zone
            widget.choices = [(zone, zone), *time_zones()]

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])


class DeviceForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Device
        fields = ["name"]

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])


def _dress(field: forms.Field, label: Any, help_text: Any = "") -> None:
    """Our label and help instead of allauth's placeholder and list."""
    field.label = label
    field.help_text = help_text
    field.widget.attrs.pop("placeholder", None)
