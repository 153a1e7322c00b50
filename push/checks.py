"""System checks of push: mistakes in the WEBPUSH and PUSH settings, in words that say what to do."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.utils.translation import gettext as _

from push.delivery import endpoints, vapid

RECEIPTS_DAYS = 8
"""Days: the longest time to live of a message, 7, and the one more in which its receipts are taken."""

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


@register()
def check_keep_days(**_kwargs: Any) -> list[CheckMessage]:
    """How long deliveries and notifications are kept."""
    hint = _("Write whole numbers of days, or neither: the defaults keep 90 and 180 days.")
    problems: list[str] = list(settings.PUSH_KEEP_PROBLEMS)
    if settings.PUSH_KEEP_DAYS < RECEIPTS_DAYS:
        problems.append(
            _(
                "PUSH_KEEP_DAYS must be at least %(days)d: a device that was off may still tell by then "
                "that it has shown a message."
            )
            % {"days": RECEIPTS_DAYS}
        )
    if settings.PUSH_KEEP_NOTIFICATION_DAYS < settings.PUSH_KEEP_DAYS:
        problems.append(
            _(
                "PUSH_KEEP_NOTIFICATION_DAYS must not be less than PUSH_KEEP_DAYS: a notification "
                "stays as long as its deliveries."
            )
        )
    return [Error(problem, hint=hint, id="push.E008") for problem in problems]


@register()
def check_sending_limits(**_kwargs: Any) -> list[CheckMessage]:
    """How many messages are in flight to a push service, and how long one may take."""
    hint = _("Write whole numbers, or leave them out: the defaults suit the known push services.")
    return [
        Error(problem, hint=hint, id="push.E009") for problem in settings.WEBPUSH_LIMIT_PROBLEMS
    ]
