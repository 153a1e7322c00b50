"""System checks of push: mistakes in the WEBPUSH settings, in words that say what to do."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.utils.translation import gettext as _

from push.delivery import endpoints, vapid

_PAIR = "WEBPUSH_PUBLIC_KEY, WEBPUSH_PRIVATE_KEY"


@register(Tags.security)
def check_webpush_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Key files, key pairs, contact address and extra hosts, in this order."""
    return [*_key_files(), *_key_pairs(), *_subject(), *_extra_hosts()]


def _key_files() -> Iterator[CheckMessage]:
    for problem in settings.WEBPUSH_KEY_PROBLEMS:
        yield Error(
            problem,
            hint=_(
                "Put the key file back, or correct the path. Do not make new keys: every device "
                "that has subscribed would have to subscribe again."
            ),
            id="push.E001",
        )


def _key_pairs() -> Iterator[CheckMessage]:
    for problem in vapid.keyring().problems:
        match problem.code:
            case "half" if not settings.WEBPUSH_KEY_PROBLEMS:
                yield _half_a_pair()
            case "junk":
                hint = _(
                    "Copy both keys again, whole and without quotes. “manage.py vapid_keys” "
                    "prints a new pair if this site has never had one."
                )
                yield Error(f"{_PAIR}: {problem}", hint=hint, id="push.E003")
            case "mismatch":
                hint = _(
                    "Both must come from the same run of “manage.py vapid_keys”. Restore the key "
                    "that was replaced: a new pair ends all subscriptions."
                )
                yield Error(f"{_PAIR}: {problem}", hint=hint, id="push.E004")
            case "previous":
                hint = _("Write each pair as public:private, and pairs separated by commas.")
                yield Error(f"WEBPUSH_PREVIOUS_KEYS: {problem}", hint=hint, id="push.E005")


def _half_a_pair() -> CheckMessage:
    names = ("WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY")
    given, missing = names if settings.WEBPUSH_PUBLIC_KEY else reversed(names)
    return Error(
        _("%(given)s is set, but %(missing)s is not.") % {"given": given, "missing": missing},
        hint=_("Set %(missing)s too, from the same pair, or neither to go without push.")
        % {"missing": missing},
        id="push.E002",
    )


def _subject() -> Iterator[CheckMessage]:
    """A bad contact address stops a public site; on plain http it only keeps Apple away."""
    public = str(settings.SITE_URL).lower().startswith("https://")
    in_use = vapid.keyring().current is not None
    if not settings.WEBPUSH_SUBJECT and not (public and in_use):
        return
    subject = vapid.effective_subject()
    problem = vapid.subject_problem(subject)
    if problem is None:
        return
    kind, number = (Error, "push.E006") if public else (Warning, "push.W001")
    yield kind(
        _("WEBPUSH_SUBJECT, the contact address for push services, is “%(subject)s”. %(problem)s")
        % {"subject": subject, "problem": problem},
        hint=_(
            "Set it to an address that somebody reads, such as mailto:admin@your-domain.org, or to "
            "an https:// page. Apple refuses every push (403 BadJwtToken) without one."
        ),
        id=number,
    )


def _extra_hosts() -> Iterator[CheckMessage]:
    try:
        endpoints.extra_hosts()
    except ValueError as error:
        yield Error(
            _("WEBPUSH_EXTRA_HOSTS: “%(entry)s” is not a host name.") % {"entry": error},
            hint=_("Write each as host or host:port, without https://, separated by commas."),
            id="push.E007",
        )
