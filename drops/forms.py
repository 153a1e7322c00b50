"""What a person may send."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import Device, User
from drops.models import MAX_TEXT, Drop


def too_long(length: int) -> ValidationError:
    """Says how long the text is and how long it may be."""
    return ValidationError(
        ngettext_lazy(
            "Text: at most %(limit)s characters fit into a Drop. This one has %(length)s character.",
            "Text: at most %(limit)s characters fit into a Drop. This one has %(length)s characters.",
            "number",
        ),
        code="max_length",
        params={"limit": f"{MAX_TEXT:,}", "length": f"{length:,}", "number": length},
    )


class TextForm(forms.Form):
    """Text for one's own other devices. ``client_id`` is made with the form: sent twice, it is one Drop."""

    client_id = forms.UUIDField(
        # Firefox would bring the old value back at a reload.
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("client_id is missing. Reload the page and send again."),
            "invalid": _("client_id is not a UUID. Reload the page and send again."),
        },
    )
    text = forms.CharField(
        label=_("Text"),
        strip=False,
        error_messages={
            "required": _("Text: there is nothing to send yet. Type or paste something.")
        },
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "class": "form-control form-control-lg",
                "data-limit": MAX_TEXT,  # not maxlength: browsers cut what is pasted, without a word
                "autocomplete": "off",
                "aria-describedby": "drop-text-error drop-text-help",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"client_id": uuid.uuid4()})
        super().__init__(*args, **kwargs)
        if self.errors.get("text"):
            self.fields["text"].widget.attrs |= {
                "class": "form-control form-control-lg is-invalid",
                "aria-invalid": "true",
            }

    def clean_text(self) -> str:
        """Line ends as ``\\n``; spaces at the ends are part of the text, but nothing else is nothing."""
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        if len(text) > MAX_TEXT:
            raise too_long(len(text))
        if not text.strip():
            raise ValidationError(self.fields["text"].error_messages["required"], code="required")
        return text

    def send(self, user: User, device: Device | None) -> Drop:
        """To every device of this person but ``device``."""
        return Drop.send(
            sender=user,
            recipient=user,
            text=self.cleaned_data["text"],
            device=device,
            client_id=self.cleaned_data["client_id"],
        )
