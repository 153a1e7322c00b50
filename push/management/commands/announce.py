"""``manage.py announce``."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from push.announcement_form import AnnouncementForm
from push.models import Announcement
from push.notices.announcements import audience
from push.notices.preview import preview
from push.notices.progress import Progress, progress_of

LISTED = 20
LOOK_EVERY = 1.0  # seconds


class Command(BaseCommand):
    help = (
        "Announces something to everybody: it shows what a lock screen will say and how many people hear "
        "of it, asks, and publishes it; ox_worker tells people, push_worker sends. Whoever has switched "
        "announcements off hears nothing. --cancel stops one: what is out stays out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--title", help="at most 200 characters")
        parser.add_argument("--body", help="at most 1,000 characters")
        parser.add_argument(
            "--url", default="", help="the page of this site that a tap opens (/Notifications)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only show it")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--follow", action="store_true", help="print the progress to the end")
        others = parser.add_mutually_exclusive_group()
        others.add_argument("--cancel", type=int, metavar="ID", help="cancel this announcement")
        others.add_argument("--list", action="store_true", help="the latest announcements")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
        elif options["cancel"] is not None:
            self._cancel(options["cancel"])
        else:
            self._announce(options)

    def _announce(self, options: dict[str, Any]) -> None:
        form = AnnouncementForm({name: options[name] for name in ("title", "body", "url")})
        if not form.is_valid():
            raise CommandError(
                "\n".join(
                    f"--{name}: {message}"
                    for name, messages in form.errors.items()
                    for message in messages
                )
            )
        self._show(form)
        if options["dry_run"]:
            self._say("Nothing was announced: this was a dry run.")
        elif options["yes"] or self._is_sure():
            announcement, _is_new = form.publish(None)
            if options["follow"]:
                self._follow(announcement)
            self._say(
                f"Announcement {announcement.pk} is published to {_people(announcement.people)}; "
                f"“manage.py announce --cancel {announcement.pk}” stops it."
            )
        else:
            self._say("Nothing was announced.")

    def _show(self, form: AnnouncementForm) -> None:
        said, heard = form.cleaned_data, audience()
        shown = preview(said["title"], said["body"], said["url"])
        self._say(f"  {shown.title}\n  {shown.body}\n  → {said['url']}\n")
        if shown.is_cut:
            self._say(
                "It is longer than a push can be: devices show this much, the bell all of it."
            )
        if form.leads_nowhere():
            self._say("This site has no page at that link. Is it spelled right?")
        self._say(
            f"In the bell of {_people(heard.people)}, pushed to {_of(heard.devices, 'device')}; "
            f"switched off by {_people(heard.switched_off)}."
        )

    def _is_sure(self) -> bool:
        try:
            return input("Announce it? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError as error:
            self._say("")
            raise CommandError(
                "Nothing was announced: nobody answered: --yes announces without asking."
            ) from error

    def _follow(self, announcement: Announcement) -> None:
        """Until everybody is told and nothing waits, or it was cancelled."""
        before = ""
        while True:
            announcement.refresh_from_db()
            progress = progress_of([announcement])[announcement.pk]
            now = _in_words(announcement, progress)
            if now != before:
                self._say(now)
                before = now
            if announcement.state not in Announcement.UNDER_WAY and not progress.waiting:
                return
            time.sleep(LOOK_EVERY)

    def _cancel(self, key: int) -> None:
        announcement = Announcement.objects.filter(pk=key).first()
        if announcement is None:
            raise CommandError(f"There is no announcement {key}: “manage.py announce --list”.")
        if not announcement.cancel():
            raise CommandError(f"Announcement {key} was over already: nothing left to cancel.")
        self._say(
            f"Announcement {key} is cancelled: nobody else is told, and what waits is not sent."
        )

    def _list(self) -> None:
        rows = list(Announcement.objects.order_by("-pk")[:LISTED])
        found = progress_of(rows)
        for row in rows:
            self._say(f"{row.pk:>6}  {row.created_at:%Y-%m-%d %H:%M}  {row.title}")
            self._say(f"        {_in_words(row, found[row.pk])}")
        self._say(f"{_of(Announcement.objects.count(), 'announcement')} so far.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _in_words(announcement: Announcement, progress: Progress) -> str:
    return (
        f"{announcement.get_state_display()}: {progress.told:,} of {_people(announcement.people)} told; "
        f"pushes: {progress.accepted:,} accepted, {progress.waiting:,} waiting, "
        f"{progress.failed:,} failed, {progress.dropped:,} not sent"
    )


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
