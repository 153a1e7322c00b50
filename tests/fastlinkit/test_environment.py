from pathlib import Path

import pytest

from fastlinkit.environment import key_pairs, mailer, secret


def test_a_secret_is_its_value_or_the_content_of_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    problems: list[str] = []
    assert secret("FLI_SECRET", problems) == ""
    monkeypatch.setenv("FLI_SECRET", " by value ")
    assert secret("FLI_SECRET", problems) == "by value"
    (tmp_path / "secret").write_text("by file\n")
    monkeypatch.setenv("FLI_SECRET_FILE", str(tmp_path / "secret"))
    assert secret("FLI_SECRET", problems) == "by file"
    assert problems == []


def test_a_secret_file_that_cannot_be_read_is_a_problem_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    problems: list[str] = []
    monkeypatch.setenv("FLI_SECRET", "not this one")
    monkeypatch.setenv("FLI_SECRET_FILE", str(tmp_path / "missing"))
    assert secret("FLI_SECRET", problems) == ""
    assert problems == [
        f"FLI_SECRET_FILE names {tmp_path / 'missing'},"
        " which cannot be read: No such file or directory."
    ]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a:b", [("a", "b")]),
        (" a:b , c:d,", [("a", "b"), ("c", "d")]),
        ("half", [("half", "")]),
    ],
)
def test_key_pairs_are_read_in_order(text: str, pairs: list[tuple[str, str]]) -> None:
    assert key_pairs(text) == pairs


def test_without_a_mail_server_mails_become_files(tmp_path: Path) -> None:
    assert mailer("", tmp_path)["OPTIONS"] == {"file_path": tmp_path}


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://localhost", 25, False, False),
        ("smtp+tls://me:secret@mail.example.org:587", 587, True, False),
        ("smtp+ssl://me:secret@mail.example.org:465", 465, False, True),
    ],
)
def test_a_mail_server_is_named_by_a_url(
    tmp_path: Path, url: str, port: int, tls: bool, ssl: bool
) -> None:
    entry = mailer(url, tmp_path)
    assert entry["BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    options = entry["OPTIONS"]
    assert (options["port"], options["use_tls"], options["use_ssl"]) == (port, tls, ssl)
    if port != 25:
        assert (options["username"], options["password"]) == ("me", "secret")
