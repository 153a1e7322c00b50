"""What agents write, and which mailboxes there are."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Device, Membership, Organization, User
from tickets.mail import words
from tickets.models import Mailbox, Message, Ticket
from tickets.models.mailbox import MANAGERS
from tickets.models.message import MAX_REPLY


class ReplyForm(forms.Form):
    """An answer to a customer. ``client_id`` is made with the form: sent twice, it is one answer."""

    client_id = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={
            "required": _("client_id is missing. Reload the page and send again."),
            "invalid": _("client_id is not a UUID. Reload the page and send again."),
        },
    )
    text = forms.CharField(
        label=_("Your answer"),
        max_length=MAX_REPLY,
        error_messages={"required": _("There is nothing to send yet. Write an answer first.")},
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"client_id": uuid.uuid4()})
        super().__init__(*args, **kwargs)

    def clean_text(self) -> str:
        text = words.clean(self.cleaned_data["text"]).strip()
        if not text:
            raise ValidationError(self.fields["text"].error_messages["required"], code="required")
        return text

    def send(self, ticket: Ticket, author: User, device: Device | None) -> Message:
        """Queues the answer."""
        return ticket.reply(
            author,
            self.cleaned_data["text"],
            device=device,
            client_id=self.cleaned_data["client_id"],
        )


class MailboxForm(forms.Form):
    """A new mailbox in one of the organizations that this person manages."""

    address = forms.EmailField(
        label=_("Address"),
        max_length=254,
        help_text=_("Customers write to it, and your answers come from it."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Whom customers see as the sender. Empty: the organization's name."),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        personal = Organization.personal(user)
        managed = Membership.objects.filter(user=user, role__in=MANAGERS)
        choices = Organization.objects.filter(memberships__in=managed).order_by("name", "pk")
        self.fields["organization"] = forms.ModelChoiceField(
            label=_("Organization"), queryset=choices, empty_label=None, initial=personal
        )
        if len(choices) == 1:
            self.fields["organization"].widget = forms.HiddenInput()

    def clean_name(self) -> str:
        return words.one_line(self.cleaned_data["name"], 120)

    def clean_address(self) -> str:
        address = words.usable(self.cleaned_data["address"])
        if "+" in address.partition("@")[0] or not address.isascii():
            raise ValidationError(
                _("Give the plain address: without a plus sign, in ASCII characters."),
                code="invalid",
            )
        return address

    def save(self) -> tuple[Mailbox, str] | None:
        """The mailbox and its token; None, with the error on the form, when the address is taken."""
        values = self.cleaned_data
        try:
            with transaction.atomic():
                return Mailbox.make(values["organization"], values["address"], values["name"])
        except IntegrityError:
            self.add_error("address", _("There is a mailbox with this address already."))
            return None
