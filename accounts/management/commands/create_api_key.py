"""``manage.py create_api_key``: an API key for a person, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import ApiKey, Organization, User
from accounts.models.api_key import FULL_ACCESS, SCOPES


class Command(BaseCommand):
    help = (
        "Makes an API key for the person with this address, in their own organization, and prints it: "
        "it is stored hashed and cannot be shown again. A test key takes pretend money only and is the "
        "one to use with a Stripe test key or the demo."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose key it is")
        parser.add_argument(
            "--scopes",
            nargs="+",
            default=[],
            metavar="SCOPE",
            help=f"what it may do: {', '.join(SCOPES)}, or '{FULL_ACCESS}' for everything",
        )
        parser.add_argument("--test", action="store_true", help="a key for test mode")
        parser.add_argument("--name", default="manage.py", help="what it is called in lists")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user with the address {options['email']}.")
        scopes = [name for text in options["scopes"] for name in text.split(",") if name]
        try:
            _key, text = ApiKey.make(
                user,
                Organization.personal(user),
                options["name"][:80],
                list(dict.fromkeys(scopes)),
                test=options["test"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(text)
        self.stderr.write("Keep it: it will not be shown again.")
