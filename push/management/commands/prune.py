"""``manage.py prune``: what is too old leaves now."""

from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from push import pruning

MAX_DAYS = 36_500


def days(text: str) -> int:
    """A number of days as typed.

    Raises:
        ArgumentTypeError: in words.
    """
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_DAYS:
        return int(text)
    raise ArgumentTypeError(f"“{text}” is not a number of days from 1 to {MAX_DAYS}.")


class Command(BaseCommand):
    help = (
        "Deletes old deliveries and notifications, subscriptions that have been gone for 24 hours, and "
        "what is remembered of their endpoints for 30 days. The ox_worker does it every hour; this does "
        "it now, in batches of 1,000 rows that keep nobody waiting. What is still on its way never "
        "leaves, nor does a notification that has a delivery left. Run it as often as you like, "
        "also twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            metavar="DAYS",
            type=days,
            help=f"Deliveries and notifications of more than so many days, unread ones too, in place of "
            f"PUSH_KEEP_DAYS ({settings.PUSH_KEEP_DAYS}) and PUSH_KEEP_NOTIFICATION_DAYS "
            f"({settings.PUSH_KEEP_NOTIFICATION_DAYS}).",
        )
        parser.add_argument("--dry-run", action="store_true", help="Count, and delete nothing.")

    def handle(self, *_args: Any, **options: Any) -> None:
        old = pruning.limits(timezone.now(), options["older_than"])
        counts = pruning.prune(old, dry_run=options["dry_run"])
        for kind, count in counts.items():
            self.stdout.write(f"{kind}: {count:,}")
        total = sum(counts.values())
        rows = f"{total:,} {'row' if total == 1 else 'rows'}"
        if options["dry_run"]:
            self.stdout.write(f"{rows} would be deleted; nothing was.")
        else:
            self.stdout.write(f"{rows} {'was' if total == 1 else 'were'} deleted.")
