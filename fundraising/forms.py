"""What donors and campaign owners fill in."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, User
from fundraising import texts
from fundraising.amounts import parse_amount
from fundraising.models import Campaign, Donation
from fundraising.models.donation import MAX_MESSAGE, MAX_NAME
from payments import currencies, gateway

CARD, PLEDGE = Donation.Source.STRIPE, Donation.Source.BANK


class DonateForm(forms.Form):
    """For everybody, without JavaScript. ``client_id`` is made with the form: sent twice, it is one donation."""

    client_id = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("client_id is missing. Reload the page and try again."),
            "invalid": _("client_id is not a UUID. Reload the page and try again."),
        },
    )
    preset = forms.ChoiceField(label=_("Amount"), required=False, widget=forms.RadioSelect)
    amount = forms.CharField(
        label=_("Another amount"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"max_length": _("Amount: that is too long for an amount.")},
    )
    how = forms.ChoiceField(
        label=_("How would you like to pay?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("How to pay: choose one."),
            "invalid_choice": _("How to pay: choose one of those that are offered."),
        },
    )
    name = forms.CharField(
        label=_("Name (optional)"),
        required=False,
        max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"max_length": _("Name: at most %(limit_value)d characters.")},
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("For the organiser only. Needed for a bank transfer."),
        error_messages={"invalid": _("E-mail address: write it like anna@example.org.")},
    )
    message = forms.CharField(
        label=_("Message (optional)"),
        required=False,
        max_length=MAX_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody can read it on this page."),
        error_messages={"max_length": _("Message: at most %(limit_value)d characters.")},
    )
    anonymous = forms.BooleanField(
        label=_("Give anonymously: my name is not shown to others"), required=False
    )
    # Nobody sees it, so whoever fills it in is a program, or a browser that fills in too much.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        ways = [(PLEDGE, _("I'll pay by bank transfer"))]
        if gateway.is_configured():
            ways.insert(0, (CARD, _("Now, by card or what else Stripe offers")))
        kwargs.setdefault("initial", {"client_id": uuid.uuid4(), "how": ways[0][0]})
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.fields["how"].choices = ways  # type: ignore[attr-defined]
        self.fields["preset"].choices = [  # type: ignore[attr-defined]
            (str(amount), campaign.amount_text(amount)) for amount in campaign.presets
        ]
        self.fields["preset"].error_messages["invalid_choice"] = _(
            "Amount: this one is not offered any more. Choose again."
        )
        if not campaign.presets:
            self.fields["amount"].label = _("Amount")

    def clean_name(self) -> str:
        return texts.one_line(self.cleaned_data["name"])[:MAX_NAME]

    def clean_message(self) -> str:
        return texts.clean(self.cleaned_data["message"])[:MAX_MESSAGE]

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise ValidationError(_("A hidden field was filled in, as programs do."), code="robot")
        return ""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.errors.get("website"):
            self.add_error(
                None, _("That looked like a program. If you are a person, please press Give again.")
            )
        if not {"amount", "preset"} & self.errors.keys():
            try:
                data["minor_units"] = self._minor_units(data)
            except ValidationError as error:
                self.add_error("amount", error)
        if data.get("how") == PLEDGE and not data.get("email") and "email" not in self.errors:
            self.add_error(
                "email",
                _("E-mail address: needed for a bank transfer, so that you can be asked about it."),
            )
        return data

    def _minor_units(self, data: dict[str, Any]) -> int:
        """What was typed goes before what was ticked. Raises ``ValidationError``."""
        campaign = self.campaign
        typed = data.get("amount", "").strip()
        if not typed and not data.get("preset"):
            raise ValidationError(_("Amount: choose or type one."), code="required")
        amount = parse_amount(typed, campaign.currency) if typed else int(data["preset"])
        problem = currencies.amount_problem(amount, campaign.currency)
        if not problem and amount < campaign.minimum:
            least = campaign.amount_text(campaign.minimum)
            problem = _t("The amount has to be at least %(least)s.") % {"least": least}
        if problem:
            raise ValidationError(_t("Amount: %(problem)s") % {"problem": problem})
        return amount

    def give(self, origin: str) -> Donation:
        """The donation, still to be paid."""
        data = self.cleaned_data
        return Donation.begin(
            self.campaign,
            data["client_id"],
            amount=data["minor_units"],
            source=data["how"],
            name=data["name"],
            email=data["email"],
            message=data["message"],
            anonymous=data["anonymous"],
            origin=origin,
        )


class PaidForm(forms.Form):
    """How the money came, as whoever marks the donation says."""

    source = forms.ChoiceField(
        label=_("How did it come?"),
        choices=[(source.value, source.label) for source in Donation.BY_HAND],
    )
    note = forms.CharField(
        label=_("Note (optional)"),
        required=False,
        max_length=300,
        help_text=_("For yourself, like the date on the bank statement."),
    )

    def clean_note(self) -> str:
        return texts.one_line(self.cleaned_data["note"])

    def mark(self, donation: Donation, user: User, device: Device | None) -> bool:
        return donation.mark_paid_by_hand(
            self.cleaned_data["source"], user, device, self.cleaned_data["note"]
        )
