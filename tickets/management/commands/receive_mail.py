"""``manage.py receive_mail``: mail from a pipe or from files."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from tickets.mail.receive import MAX_SIZE, receive
from tickets.models import Mailbox

NO_SUCH_USER = 67  # sysexits.h, which mail servers understand: bounce
TRY_AGAIN = 75  # sysexits.h: keep the mail and try later


class Command(BaseCommand):
    help = (
        "Takes in mail of a mailbox: one message on standard input, or one in each FILE. Prints a line for each: "
        "ticket, reply, automatic, quarantined, duplicate or unprocessable, and the ticket's number or “-”. "
        "Whatever a mail holds, the exit code is 0. It is 67 for an unknown mailbox and 75 when the database is "
        "away; a FILE that cannot be read is said on standard error, and the exit code is 1 after the others. "
        "Of a mail over 25 MB the beginning is kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mailbox", required=True, metavar="ADDRESS")
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")

    def handle(self, *args: Any, mailbox: str, files: list[Path], **options: Any) -> None:
        try:
            found = Mailbox.for_address(mailbox)
            if found is None:
                message = f"There is no mailbox {mailbox}. Make it on /Support/Mailboxes."
                raise CommandError(message, returncode=NO_SUCH_USER)
            unread = 0
            for raw in _mails(files):
                if isinstance(raw, OSError):
                    unread += 1
                    self.stderr.write(f"{raw.filename}: {raw.strerror}")
                else:
                    received = receive(found, raw)
                    self.stdout.write(f"{received.kind} {received.number or '-'}")
        except OperationalError as error:
            raise CommandError(f"The database is away: {error}", returncode=TRY_AGAIN) from error
        if unread:
            raise CommandError(f"{unread} of {len(files)} files could not be read.")


def _mails(files: list[Path]) -> Iterator[bytes | OSError]:
    """One at a time, so that a thousand files take no more memory than one."""
    if not files:
        yield sys.stdin.buffer.read(MAX_SIZE)
        while sys.stdin.buffer.read(
            MAX_SIZE
        ):  # whoever writes into the pipe must not find it closed
            pass
    for path in files:
        try:
            with path.open("rb") as file:
                yield file.read(MAX_SIZE)
        except OSError as error:
            yield error
