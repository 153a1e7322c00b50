import re
import stat
from pathlib import Path

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from accounts.mail import FileAndConsoleBackend
from accounts.models import User
from tests.accounts.conftest import Browser
from tests.accounts.test_passwords import ask_for_reset
from tests.accounts.test_register import register


def test_without_a_mail_server_mails_are_kept_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mail"
    backend = FileAndConsoleBackend(file_path=folder, alias="default")
    link = "http://localhost:8000/Account/Email/Confirm/" + "x" * 120
    message = EmailMessage("Confirm", f"Open\n\n{link}\n", "a@example.org", ["b@example.org"])
    assert backend.send_messages([message]) == 1
    said = capsys.readouterr().out
    assert "b@example.org" in said
    assert link in said.splitlines(), "unbroken, to be clicked"
    (kept,) = folder.iterdir()
    assert b"Subject: Confirm" in kept.read_bytes()


def test_other_people_on_the_machine_cannot_read_kept_mails(tmp_path: Path) -> None:
    FileAndConsoleBackend(file_path=tmp_path / "mail", alias="default")
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


@pytest.mark.django_db
def test_every_mail_has_the_same_words_as_text_and_as_html(browser: Browser, owner: User) -> None:
    register(browser())
    register(browser(), owner.email)
    ask_for_reset(browser(), owner.email)
    ask_for_reset(browser(), "nobody@example.net")
    client = browser(owner)
    client.post(
        "/Account/Password/Change",
        {"oldpassword": "correct horse battery staple", "password1": "a wholly different phrase"},
    )
    assert len(mail.outbox) == 5
    for message in mail.outbox:
        (alternative,) = message.alternatives
        html = str(alternative.content)
        assert alternative.mimetype == "text/html"
        shown = re.sub(r"<[^>]+>", " ", html.split("</h1>")[1])
        assert " ".join(str(message.body).split()) in " ".join(shown.split())
        for link in re.findall(r"http://localhost\S+", str(message.body)):
            assert f'href="{link}"' in html
