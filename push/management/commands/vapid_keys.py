"""``manage.py vapid_keys``: a new VAPID key pair, in lines for the ``.env`` file."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from push.delivery import vapid


class Command(BaseCommand):
    help = (
        "Print a new VAPID key pair as three lines for the .env file. Nothing is stored. "
        "A site needs one pair for its whole life: a new one ends the subscriptions of all "
        "devices, unless the old one stays named in WEBPUSH_PREVIOUS_KEYS."
    )
    # It must run exactly where the settings are broken for want of keys.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object, as web-push does"
        )

    def handle(self, *_args: Any, json: bool = False, **_options: Any) -> None:
        public, private = vapid.generate()
        if json:
            self.stdout.write(_as_json(public, private))
            return
        subject = vapid.effective_subject()
        if vapid.subject_problem(subject):
            subject = "mailto:"
        self.stdout.write(f"WEBPUSH_PUBLIC_KEY={public}")
        self.stdout.write(f"WEBPUSH_PRIVATE_KEY={private}")
        self.stdout.write(f"WEBPUSH_SUBJECT={subject}")
        self.stderr.write(
            _(
                "WEBPUSH_SUBJECT is how push services reach you: mailto: and your address, or %(site)s."
            )
            % {
                "site": settings.SITE_URL if settings.SITE_URL.startswith("https:") else "https://…"
            },
            self.style.NOTICE,
        )


def _as_json(public: str, private: str) -> str:
    return json.dumps({"publicKey": public, "privateKey": private})
