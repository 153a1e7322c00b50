"""Request bodies of push's JSON endpoints, checked field by field. What browsers send is hostile input."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from push.delivery.encryption import base64url_decode
from push.delivery.endpoints import EndpointError, SubscriptionKeyError, parse_keys, service_of
from push.delivery.vapid import KeyPair, keyring

MAX_KEY = 200
"""Characters; a P-256 point has 87 in base64url."""


class TextField(forms.CharField):
    """JSON text as it came: not stripped, and nothing else than text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        if value is not None and not (isinstance(value, str) and _is_text(value)):
            raise ValidationError(_("This must be text."), code="type")
        return super().to_python(value) or ""


def _is_text(value: str) -> bool:
    """JSON can spell half of a character (a lone surrogate), which has no bytes in UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class TruthField(forms.Field):
    """JSON's ``true`` or ``false``."""

    def to_python(self, value: Any) -> bool:
        if value is None and not self.required:
            return False
        if not isinstance(value, bool):
            raise ValidationError(_("This must be true or false."), code="type")
        return value

    def validate(self, value: Any) -> None:
        pass


class SubscriptionForm(forms.Form):
    """What ``PushSubscription.toJSON()`` gives, the key it was made with, and whether a repair made it."""

    json_names: ClassVar = {"p256dh": "keys.p256dh", "auth": "keys.auth"}

    endpoint = TextField()
    p256dh = TextField(max_length=MAX_KEY)
    auth = TextField(max_length=MAX_KEY)
    key = TextField(max_length=MAX_KEY)
    repair = TruthField(required=False)

    def __init__(self, body: dict[str, Any]) -> None:
        keys = body.get("keys")
        known: dict[str, Any] = keys if isinstance(keys, dict) else {}
        super().__init__(body | {name: known.get(name) for name in ("p256dh", "auth")})

    def clean_endpoint(self) -> str:
        endpoint: str = self.cleaned_data["endpoint"]
        try:
            self.cleaned_data["service"] = service_of(endpoint)
        except EndpointError as error:
            raise ValidationError(str(error), code=error.code) from error
        return endpoint

    def clean_key(self) -> KeyPair:
        try:
            public = base64url_decode(self.cleaned_data["key"])
        except ValueError:
            public = b""
        for pair in keyring().pairs.values():
            if pair.public == public:
                return pair
        raise ValidationError(
            _("This is not a VAPID key of this server. Reload the page."), code="unknown_key"
        )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "p256dh" in data and "auth" in data:
            try:
                data["p256dh"], data["auth"] = parse_keys(data["p256dh"], data["auth"])
            except SubscriptionKeyError as error:
                self.add_error(error.field, str(error))
        return data


class ChangeForm(SubscriptionForm):
    """What a service worker reports when the browser has changed its subscription."""

    old_endpoint = TextField(max_length=4096)


class MasterForm(forms.Form):
    enabled = TruthField()


class PermissionForm(forms.Form):
    """``Notification.permission``."""

    state = forms.ChoiceField(
        choices=[(state, state) for state in ("granted", "denied", "default")],
        error_messages={"invalid_choice": gettext_lazy("This must be granted, denied or default.")},
    )


class ReceiptForm(forms.Form):
    token = TextField(max_length=1000)
