"""Mail without a mail server: into ``var/mail/``, and readable on the console."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend


class FileAndConsoleBackend(EmailBackend):
    """Django's file backend that also says each mail's text on the console, links unbroken.

    The folder is readable by its owner alone: mails hold links that reset passwords.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        os.chmod(self.file_path, 0o700)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            lines = [
                f"--- Mail to {', '.join(message.to)} (no mail server: kept in {self.file_path})",
                f"Subject: {message.subject}",
                "",
                str(message.body).strip(),
                "---",
            ]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
        return super().send_messages(email_messages)
