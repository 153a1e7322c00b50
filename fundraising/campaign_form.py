"""The form that makes a campaign, and changes it."""

from typing import Any

from babel.core import Locale
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization, User
from fundraising import texts
from fundraising.amounts import amount_as_typed, parse_amount
from fundraising.models import Campaign
from fundraising.models.campaign import MANAGERS
from payments import currencies

MAX_PRESETS = 6
DEFAULT_CURRENCY = "eur"
DEFAULT_PRESETS = "10 25 50 100"


def currency_choices() -> list[tuple[str, str]]:
    """By code, with the names of the current language."""
    names = Locale.parse(to_locale(get_language() or "en")).currencies
    codes = sorted(currencies.CURRENCIES)
    return [
        (code, f"{code.upper()} – {names.get(code.upper(), '')}".rstrip(" –")) for code in codes
    ]


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """Amounts are typed, and kept in minor units."""

    goal_text = forms.CharField(
        label=_("Goal (optional)"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    minimum_text = forms.CharField(
        label=_("Least amount (optional)"),
        required=False,
        max_length=20,
        help_text=_("Empty: the least that can be paid by card in this currency."),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    presets_text = forms.CharField(
        label=_("Suggested amounts"),
        required=False,
        max_length=120,
        help_text=_("Up to six, with spaces in between. Donors can always type another one."),
    )

    class Meta:
        model = Campaign
        fields = ("title", "story", "currency", "transfer_details", "ends_at", "state")
        widgets = {
            "story": forms.Textarea(attrs={"rows": 8}),
            "transfer_details": forms.Textarea(attrs={"rows": 3}),
            "ends_at": forms.DateTimeInput(
                format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}
            ),
        }
        labels = {"ends_at": _("End (optional, in your time zone)")}
        help_texts = {
            "story": _("What the money is for. Line breaks are kept."),
            "transfer_details": _("Shown to whoever promises a bank transfer: account and name."),
            "state": _("Only a live campaign asks for donations. Nobody else sees a draft."),
        }
        error_messages = {"title": {"required": _("Title: what is it for?")}}

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["currency"] = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
        if self.instance.pk:
            self._fill_in(self.instance)
        else:
            self.initial.update(currency=DEFAULT_CURRENCY, presets_text=DEFAULT_PRESETS)
            self._offer_organizations()

    def _fill_in(self, campaign: Campaign) -> None:
        def typed(amount: int | None) -> str:
            return "" if amount is None else amount_as_typed(amount, campaign.currency)

        self.initial.update(
            goal_text=typed(campaign.goal),
            minimum_text=typed(campaign.minimum),
            presets_text=" ".join(map(typed, campaign.presets)),
        )
        if campaign.donations.exists():
            self.fields["currency"].disabled = True
            self.fields["currency"].help_text = _t("Fixed since the first donation was begun.")
        if campaign.state != Campaign.State.DRAFT:
            states = self.fields["state"]
            states.choices = [  # type: ignore[attr-defined]
                row for row in Campaign.State.choices if row[0] != Campaign.State.DRAFT
            ]

    def _offer_organizations(self) -> None:
        personal = Organization.personal(self.user)
        managed = Membership.objects.filter(user=self.user, role__in=MANAGERS)
        rows = Organization.objects.filter(memberships__in=managed).order_by("name", "pk")
        field = forms.ModelChoiceField(
            label=_("Organization"), queryset=rows, empty_label=None, initial=personal
        )
        if len(rows) == 1:
            field.widget = forms.HiddenInput()
        self.fields["organization"] = field

    def clean_title(self) -> str:
        title = texts.one_line(self.cleaned_data["title"])
        if not title:
            raise ValidationError(self.fields["title"].error_messages["required"], code="required")
        return title

    def clean_story(self) -> str:
        return texts.clean(self.cleaned_data["story"])

    def clean_transfer_details(self) -> str:
        return texts.clean(self.cleaned_data["transfer_details"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        currency = data.get("currency")
        if currency is None:
            return data
        data["goal"] = self._amount("goal_text", currency)
        least = currencies.minimum(currency)
        minimum = self._amount("minimum_text", currency)
        data["minimum"] = least if minimum is None else minimum
        if data["minimum"] < least:
            text = currencies.format_amount(least, currency)
            self.add_error("minimum_text", _t("It has to be at least %(least)s.") % {"least": text})
        data["presets"] = self._presets(currency, data["minimum"])
        return data

    def _amount(self, name: str, currency: str) -> int | None:
        text = self.cleaned_data.get(name, "").strip()
        if not text:
            return None
        try:
            amount = parse_amount(text, currency)
        except ValidationError as error:
            self.add_error(name, error)
            return None
        if not amount or not currencies.is_representable(amount, currency):
            self.add_error(name, _t("Nobody can pay this amount in this currency."))
            return None
        return amount

    def _presets(self, currency: str, minimum: int) -> list[int]:
        """Smallest first, none twice."""
        amounts = set()
        for word in self.cleaned_data.get("presets_text", "").replace(";", " ").split():
            try:
                amount = parse_amount(word.strip(","), currency)
            except ValidationError as error:
                self.add_error("presets_text", error)
                return []
            if currencies.amount_problem(amount, currency) or amount < minimum:
                text = currencies.format_amount(amount, currency)
                self.add_error(
                    "presets_text", _t("Nobody can give %(amount)s here.") % {"amount": text}
                )
            amounts.add(amount)
        if len(amounts) > MAX_PRESETS:
            self.add_error("presets_text", _t("At most six fit."))
        return sorted(amounts)

    def save(self, commit: bool = True) -> Campaign:
        campaign: Campaign = self.instance
        if campaign._state.adding:
            campaign.organization = self.cleaned_data["organization"]
            campaign.made_by = self.user
        for name in ("goal", "minimum", "presets"):
            setattr(campaign, name, self.cleaned_data[name])
        super().save(commit)
        return campaign
