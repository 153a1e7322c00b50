"""``manage.py receive_mail``, as a mail server runs it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from tests.fixtures.product import ROOT, database_url
from tests.tickets.conftest import make_mail
from tickets.models import Mailbox, RawMail, Ticket


def run(*arguments: str | Path, mail: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    from django.conf import settings
    from django.db import connection

    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "fastlinkit.settings",
        "DATABASE_URL": database_url(connection.settings_dict),
        "SECRET_KEY": settings.SECRET_KEY,
    }
    command = [sys.executable, "manage.py", "receive_mail", *map(str, arguments)]
    return subprocess.run(command, input=mail, capture_output=True, cwd=ROOT, env=environment)


@pytest.mark.django_db(transaction=True)
def test_a_mail_on_standard_input_becomes_a_ticket(mailbox: Mailbox) -> None:
    done = run("--mailbox", "Support+anything@Shop.example", mail=make_mail())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ticket TKT-001\n", b"")
    assert Ticket.objects.get().title == "Printer on fire"


def test_an_unknown_mailbox_is_the_mail_servers_business(db: None) -> None:
    with pytest.raises(CommandError, match=r"There is no mailbox nobody@shop\.example\.") as error:
        call_command("receive_mail", mailbox="nobody@shop.example")
    assert error.value.returncode == 67


def test_a_database_that_is_away_keeps_the_mail_at_the_mail_server(
    mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> None:
        raise OperationalError("could not connect")

    monkeypatch.setattr(RawMail, "keep", away)
    file = tmp_path / "mail"
    file.write_bytes(make_mail())
    with pytest.raises(CommandError, match="could not connect") as error:
        call_command("receive_mail", str(file), mailbox=mailbox.address)
    assert error.value.returncode == 75


def receive_files(capsys: pytest.CaptureFixture[str], *files: Path) -> list[str]:
    call_command("receive_mail", *map(str, files), mailbox="support@shop.example")
    return capsys.readouterr().out.splitlines()


def test_many_files_get_a_line_each(
    mailbox: Mailbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails = [
        make_mail(Subject="one"),
        make_mail(Auto_Submitted="auto-replied"),
        make_mail(From=None),
        b"",
        b"\xff\xfe\0 no mail at all",
        make_mail(Subject="two"),
    ]
    files = [tmp_path / str(number) for number in range(len(mails))]
    for file, mail in zip(files, mails, strict=True):
        file.write_bytes(mail)
    assert receive_files(capsys, *files, files[0]) == [
        "ticket TKT-001",
        "automatic -",
        "quarantined -",
        "quarantined -",
        "quarantined -",
        "ticket TKT-002",
        "duplicate TKT-001",
    ]


def test_a_file_that_is_not_there_is_said_after_the_others(
    mailbox: Mailbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mail"
    file.write_bytes(make_mail())
    with pytest.raises(CommandError, match=r"1 of 2 files could not be read\."):
        receive_files(capsys, tmp_path / "missing", file)
    said = capsys.readouterr()
    assert said.out == "ticket TKT-001\n"
    assert said.err.endswith("missing: No such file or directory\n")


def test_of_a_mail_that_is_too_big_the_beginning_is_kept(
    mailbox: Mailbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tickets.management.commands.receive_mail.MAX_SIZE", 5000)
    file = tmp_path / "mail"
    file.write_bytes(make_mail(text="x" * 10_000))
    assert receive_files(capsys, file) == ["ticket TKT-001"]
    assert RawMail.objects.get().size == 5000
