"""What an administrator may announce: by the admin's pages and by ``manage.py announce`` alike."""

import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from push.models import Announcement
from push.models.notification import new_public_id
from push.notices import announcements
from push.notices.messages import ANNOUNCEMENT_LENGTH, ANNOUNCEMENT_TITLE_LENGTH, one_line

DEFAULT_URL = "/Notifications"
MAX_URL = 500


class AnnouncementForm(forms.Form):
    """Texts are kept as they will be shown: in one line, without control and direction characters.

    ``token`` is made with the preview: sent twice, it is one announcement.
    """

    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=ANNOUNCEMENT_TITLE_LENGTH,
        help_text=gettext_lazy("Lock screens show the first 40 characters or so."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("An announcement needs a title.")},
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=ANNOUNCEMENT_LENGTH,
        help_text=gettext_lazy("It is shown in one paragraph; lock screens show the beginning."),
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 5}),
        error_messages={"required": gettext_lazy("An announcement needs a text.")},
    )
    url = forms.CharField(
        label=gettext_lazy("Link"),
        max_length=MAX_URL,
        required=False,
        help_text=gettext_lazy("The page of this site that a tap opens, like /Drops."),
        widget=forms.TextInput(attrs={"class": "vTextField", "placeholder": DEFAULT_URL}),
    )
    token = forms.RegexField(
        r"^[0-9a-f]{24}$",
        required=False,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )

    def clean_title(self) -> str:
        return self._shown("title", ANNOUNCEMENT_TITLE_LENGTH)

    def clean_body(self) -> str:
        return self._shown("body", ANNOUNCEMENT_LENGTH)

    def clean_url(self) -> str:
        """A path of this site, whether it was given alone or with the site in front."""
        site = str(settings.SITE_URL)
        url: str = self.cleaned_data["url"] or DEFAULT_URL
        path = url.removeprefix(site) if url.startswith(site + "/") else url
        if any(unicodedata.category(char) in ("Cc", "Cs") or char.isspace() for char in path):
            raise ValidationError(
                _("A link has no spaces and no control characters."), code="characters"
            )
        if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, None):
            raise ValidationError(
                _("The link must be a page of this site: a path like /Drops, or %(site)s/Drops."),
                code="foreign",
                params={"site": site},
            )
        return path

    def clean_token(self) -> str:
        return self.cleaned_data["token"] or new_public_id()

    def _shown(self, name: str, length: int) -> str:
        text = one_line(self.cleaned_data[name], length)
        if not text:
            raise ValidationError(self.fields[name].error_messages["required"], code="required")
        return text

    def leads_nowhere(self) -> bool:
        """This site's own pages have none at that path; a proxy in front of it may."""
        try:
            resolve(urlsplit(self.cleaned_data["url"]).path)
        except Resolver404:
            return True
        return False

    def publish(self, by: User | None) -> tuple[Announcement, bool]:
        """Announces it; with whether this token had not done so before."""
        said: dict[str, Any] = self.cleaned_data
        return announcements.publish(
            public_id=said["token"],
            title=said["title"],
            body=said["body"],
            url=said["url"],
            by=by,
        )
