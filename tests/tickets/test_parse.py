"""From bytes to words: whatever a mail holds, something comes out and nothing is raised."""

from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tickets.conftest import make_mail
from tickets.mail import identity, words
from tickets.mail.automatic import reason
from tickets.mail.parse import MAX_TEXT, parse


def lines(*text: str | bytes) -> bytes:
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in text)


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?= und =?iso-8859-1?q?=FCberhaupt?=", "Grüße und überhaupt"),
        (b"=?utf-8?b?R3LD?=\r\n =?utf-8?b?vMOfZQ==?=", "Grüße"),  # a character cut in two
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?no-such-charset?q?=41bc?=", "Abc"),
        (b"=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),  # padding left out
        (b"=?utf-8?q?a_b=00c?=", "a bc"),
        (b"one\r\n two\tthree", "one two three"),
        (b"=?utf-8?q?=ED=A0=80?=", None),  # half a character
        (b"=?hex?q?abc?= =?rot13?q?abc?=", None),  # Python's codecs that are none
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"x" * 5000, "x" * 300),
    ],
)
def test_subjects_are_decoded(header: bytes, subject: str | None) -> None:
    found = parse(lines("From: a@b.example", b"Subject: " + header, "", "text")).subject
    assert subject in (None, found)
    found.encode()
    assert "\0" not in found


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Cora <Cora@Customer.EXAMPLE>", ("Cora", "cora@customer.example")),
        ('"Customer, Cora" <c@x.example>', ("Customer, Cora", "c@x.example")),
        ("=?utf-8?q?C=2C_D?= <c@x.example>", ("C, D", "c@x.example")),
        ("a@x.example, b@x.example", ("", "a@x.example")),
        ("undisclosed-recipients:;", ("", "")),
        ("Friends: a@x.example, b@x.example;", ("", "a@x.example")),
        ("broken <c@x.example", ("", "c@x.example")),
        ("c@x.example (Cora)", ("Cora", "c@x.example")),
        ("c@bücher.example", ("", "c@bücher.example")),
        ("<c@x.example>\r\n\tfolded", ("", "c@x.example")),
        ("c@x.example\0", ("", "c@x.example")),
        ("no address at all", ("", "")),
        ("@", ("", "")),
        ("a@b@c.example", ("", "")),
    ],
)
def test_senders_are_found(header: str, expected: tuple[str, str]) -> None:
    mail = parse(lines(f"From: {header}", "", "text"))
    assert mail.sender_address == expected[1]
    assert expected[0] in ("", mail.sender_name)


def test_a_plain_part_is_preferred_to_html() -> None:
    message = EmailMessage()
    message.set_content("plain")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment("attached", filename="notes.txt")
    assert parse(message.as_bytes()).text == "plain"


def test_html_alone_is_read_without_its_looks() -> None:
    message = EmailMessage()
    markup = "<style>p{}</style><p>Hello&nbsp;<b>there</b>,</p>it <i>burns</i><script>x()</script>"
    message.set_content(f"<html><body>{markup}<br>1 &lt; 2</body></html>", subtype="html")
    assert parse(message.as_bytes()).text == "Hello there,\nit burns\n1 < 2"


def test_a_mail_inside_the_mail_is_not_what_the_sender_says() -> None:
    inner = EmailMessage()
    inner.set_content("inner words")
    message = EmailMessage()
    message.set_content("outer words")
    message.add_attachment(inner)
    assert parse(message.as_bytes()).text == "outer words"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain; charset=no-such", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=us-ascii", "Grüße".encode("cp1252"), "Grüße"),
        ("text/plain; charset=utf-16", b"\xff\xfea\x00b\x00", "ab"),
        ("text/plain; charset=hex", b"zz", "zz"),
        ("text/plain", b"a\0b\x07c", "abc"),
        ("text/plain; charset*=utf-8''%", b"abc", "abc"),
        ('multipart/mixed; boundary="', b"abc", None),
        ("multipart/mixed; boundary=x", b"no boundary here", None),
        ("multipart/mixed; boundary=x", b"--x\n\none\n--x\n\ntwo", "one\n\ntwo"),
        ("multipart/alternative", b"abc", None),
        ("image/png", b"\x89PNG", ""),
        ("nonsense", b"abc", "abc"),
        ("message/rfc822", b"From: a@b\n\ninner", ""),
    ],
)
def test_bodies_are_read_as_well_as_can_be(
    content_type: str, body: bytes, text: str | None
) -> None:
    raw = lines("From: a@b.example", f"Content-Type: {content_type}", "", body)
    assert text in (None, parse(raw).text)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-uuencode", "rot-nothing"])
def test_a_broken_transfer_encoding_loses_nothing_else(encoding: str) -> None:
    raw = lines(
        "From: a@b.example", "Subject: s", f"Content-Transfer-Encoding: {encoding}", "", "=ZZ %%%é"
    )
    assert parse(raw).subject == "s"


HOSTILE = {
    "nothing": b"",
    "no headers": b"\n\n\n",
    "one line": b"hello",
    "binary": bytes(range(256)) * 100,
    "10,000 multiparts in each other": b"From: a@b.example\n"
    + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(10_000)
    ),
    "200 multiparts of the same name": b"From: a@b.example\n"
    + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 200,
    "1,000 mails in each other": b"From: a@b.example\n"
    + b"Content-Type: message/rfc822\n\n" * 1000,
    "100,000 parts": b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\n\nx\n" * 100_000,
    "a million headers": b"From: a@b.example\n" + b"a:b\n" * 1_000_000 + b"\ntext",
    "a header of 5 MB": b"From: a@b.example\nSubject: " + b"x" * 5_000_000 + b"\n\ntext",
    "30,000 open brackets": b"From: " + b"(" * 30_000 + b"\n\ntext",
    "30,000 commas": b"From: " + b"," * 30_000 + b"\nTo: " + b"<" * 30_000 + b"\n\ntext",
    "open encoded words": b"From: a@b.example\nSubject: " + b"=?" * 50_000 + b"\n\ntext",
    "open comments in HTML": b"From: a@b.example\nContent-Type: text/html\n\n" + b"<!--" * 250_000,
    "deep HTML": b"From: a@b.example\nContent-Type: text/html\n\n" + b"<div>" * 200_000,
    "long text": b"From: a@b.example\n\n" + b"word " * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_neither_raises_nor_hangs(name: str) -> None:
    """Each of these takes minutes or the whole memory where a parser is quadratic or recursive."""
    mail = parse(HOSTILE[name])
    identity.of(HOSTILE[name])
    reason(mail, 1)
    assert len(mail.text) <= MAX_TEXT


HEADERS = ("From", "Subject", "Content-Type", "Content-Transfer-Encoding", "References", "To")
pieces = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"=?utf-8?q?", b"?=", b"\r\n ", b"\n", b"<", b">", b"@", b";", b'"', b"\0"]),
    st.sampled_from([b"multipart/mixed; boundary=b", b"--b", b"--b--", b"text/plain", b"charset="]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), st.lists(pieces, max_size=6)), max_size=8),
    body=st.lists(pieces, max_size=12),
)
def test_no_mail_makes_the_parser_fail(
    headers: list[tuple[str, list[bytes]]], body: list[bytes]
) -> None:
    block = b"\n".join(name.encode() + b": " + b"".join(value) for name, value in headers)
    raw = block + b"\n\n" + b"\n".join(body)
    mail = parse(raw)
    for text in (mail.subject, mail.sender_name, mail.sender_address, mail.text, mail.message_id):
        text.encode()
        assert "\0" not in text
    assert "\n" not in mail.subject + mail.sender_name + mail.sender_address + mail.in_reply_to
    identity.of(raw)
    reason(mail, 1)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_make_the_parser_fail(raw: bytes) -> None:
    mail = parse(raw)
    assert words.clean(mail.text) == mail.text


def test_line_ends_and_the_way_it_came_do_not_change_who_a_mail_is() -> None:
    raw = make_mail()
    assert identity.of(raw) == identity.of(raw.replace(b"\n", b"\r\n"))
    assert identity.of(raw) == identity.of(b"Received: from elsewhere\n" + raw + b"\n")
    assert identity.of(raw) != identity.of(raw.replace(b"cora@", b"dora@"))
