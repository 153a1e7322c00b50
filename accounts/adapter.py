"""What allauth leaves to us: devices at sign-in and sign-out, addresses in mails, the form of mails."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import user_agents
from accounts.middleware import attach_device
from accounts.models import Device, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """``settings.ACCOUNT_ADAPTER``."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This address and this password do not go together. Check both and try again."
        ),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your password."),
        "too_many_login_attempts": _(
            "Too many attempts with this address. Wait five minutes, or reset your password."
        ),
    }

    def login(self, request: HttpRequest, user: User) -> None:
        """Session, device and the end of everybody else's push here: all of it, or none."""
        with transaction.atomic():
            super().login(request, user)
            attach_device(request, user)

    def logout(self, request: HttpRequest) -> None:
        """Ends the session and, with it, push on this device."""
        device: Device | None = getattr(request, "device", None)
        with transaction.atomic():
            if device is not None:
                device.sign_out()
            super().logout(request)
        request.device = None  # type: ignore[attr-defined]

    def set_password(self, user: User, password: str) -> None:
        """After a reset every session ends. A change keeps its own: see ``ChangePasswordForm``."""
        user.change_password(password)

    def is_safe_url(self, url: str | None) -> bool:
        """Whether ``next`` may be followed: only to a page of this site."""
        return url_has_allowed_host_and_scheme(
            url,
            allowed_hosts={current.request.get_host()},
            require_https=current.request.is_secure(),
        )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return f"{settings.ACCOUNT_PAGE_URL}#security"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Absolute. The host is ours, never the one that the request claims."""
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.SITE_URL}{path}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Absolute. ``key`` is ``user-token``."""
        user, _dash, token = key.partition("-")
        return (
            f"{settings.SITE_URL}{reverse('account_reset_password_from_key', args=[user, token])}"
        )

    def get_http_user_agent(self, request: HttpRequest) -> str:
        """For mails about security: a browser's name, never what a stranger wrote into a header."""
        return user_agents.parse(request.headers.get("User-Agent", "")).name

    def send_account_already_exists_mail(self, email: str) -> None:
        url = f"{settings.SITE_URL}{reverse('account_reset_password')}"
        self.send_mail("account/email/account_already_exists", email, {"password_reset_url": url})

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """Text from ``…_message.txt``, and the same words as HTML, so that the two never differ."""
        site = {"site_url": settings.SITE_URL, "site_host": urlsplit(settings.SITE_URL).netloc}
        words = {**context, **site}
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", words).split())
        text = render_to_string(f"{template_prefix}_message.txt", words).strip() + "\n"
        html = render_to_string(
            "account/email/layout.html", {**site, "subject": subject, "text": text}
        )
        to = [email] if isinstance(email, str) else email
        message = EmailMultiAlternatives(subject, text, self.get_from_email(), to, headers=headers)
        message.attach_alternative(html, "text/html")
        return message
