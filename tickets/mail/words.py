"""Bytes of unknown honesty into text that a database and a page can take. Nothing here fails."""

import html
import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterator
from email.quoprimime import header_decode
from email.utils import getaddresses

MAX_HEADER = 20_000  # characters of one header that are looked at
MAX_GUESSED = 1_000  # characters in which an address is looked for that the parser did not find
MAX_HTML = 1_000_000  # characters

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ADDRESS = re.compile(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+")
_TAG_NAME = re.compile(r"</?([a-z][a-z0-9]{0,15})")
_BLOCKS = set("p div tr li h1 h2 h3 h4 h5 h6 blockquote pre table ul ol".split())
_UNSEEN = {"script", "style", "title"}


def to_text(raw: bytes, charset: str | None = None) -> str:
    """As the charset that the mail claims, else UTF-8, else Western European."""
    for name in (charset, "utf-8"):
        try:
            if name:
                return raw.decode(name)
        except (LookupError, ValueError):  # unknown to Python, no text encoding, or not true
            continue
    return raw.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Line ends as ``\\n``; no NUL, which PostgreSQL refuses, no other control characters, no half characters."""
    whole = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


def one_line(text: str, length: int) -> str:
    return " ".join(clean(text).split())[:length].strip()


def header_text(value: str) -> str:
    """A header as it was parsed (8-bit characters as surrogates), with its encoded words (RFC 2047) decoded."""
    text = to_text(value[:MAX_HEADER].encode("ascii", "surrogateescape"))
    return decode_words(text)


def decode_words(text: str) -> str:
    """RFC 2047, with what is not to be decoded left as it is.

    Neighbours with the same charset are joined first: some mailers split a character between two.
    """
    pieces: list[tuple[str, bytes] | str] = []
    end = 0
    text = _BETWEEN_WORDS.sub(r"\1", text)
    for word in _ENCODED_WORD.finditer(text):
        if word.start() > end:
            pieces.append(text[end : word.start()])
        charset = word[1].partition("*")[0].lower()
        raw = _decode_word(word[2], word[3])
        last = pieces[-1] if pieces else ""
        if isinstance(last, tuple) and last[0] == charset and word.start() == end:
            pieces[-1] = (charset, last[1] + raw)
        else:
            pieces.append((charset, raw))
        end = word.end()
    pieces.append(text[end:])
    return "".join(p if isinstance(p, str) else to_text(p[1], p[0]) for p in pieces)


def _decode_word(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    try:
        if encoding in "bB":
            return b64decode(raw + b"=" * (-len(raw) % 4))
        return header_decode(payload).encode("latin-1")
    except ValueError:
        return raw


def addresses(value: str) -> list[tuple[str, str]]:
    """(name, address) of each address in a header as it was parsed. Names are decoded after the commas are read."""
    text = clean(to_text(value[:MAX_HEADER].encode("ascii", "surrogateescape")))
    try:
        found = getaddresses([text])
        if not any(address for _name, address in found):
            found = getaddresses([text], strict=False)
    except Exception:  # the standard library's own parser, on whatever a stranger wrote
        found = []
    known = [(one_line(decode_words(name), 200), usable(address)) for name, address in found]
    if any(address for _name, address in known):
        return [(name, address) for name, address in known if address]
    return [("", usable(match)) for match in _ADDRESS.findall(text[:MAX_GUESSED]) if usable(match)]


def usable(address: str) -> str:
    """The address in lower case if mail can go there; nothing for everything else."""
    text = address.strip().strip("<>").lower()
    local, _at, domain = text.rpartition("@")
    good = local and domain and len(text) <= 254 and text == clean(text)
    return text if good and not re.search(r"[\s<>,;:\"()\\]|@.*@", text) else ""


def html_to_text(markup: str) -> str:
    """What an HTML mail says, without its looks. One pass: no markup makes it slow, however broken."""
    flat = " ".join(markup[:MAX_HTML].split())
    text = html.unescape("".join(_outside_of_tags(flat))).replace("\xa0", " ")
    lines = "\n".join(line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _outside_of_tags(markup: str) -> Iterator[str]:
    """The text between the tags, with a line end where a block ends."""
    lower, position = markup.lower(), 0
    while (start := markup.find("<", position)) >= 0:
        yield markup[position:start]
        closing = "-->" if markup.startswith("<!--", start) else ">"
        end = markup.find(closing, start)
        if end < 0:  # it never ends: nothing more to read
            return
        tag = _TAG_NAME.match(lower, start)
        position = end + len(closing)
        is_end = tag is not None and tag[0].startswith("</")
        if tag and tag[1] in _UNSEEN and not is_end:
            position = lower.find(f"</{tag[1]}", position)
            if position < 0:
                return
        elif tag and (tag[1] == "br" or (is_end and tag[1] in _BLOCKS)):
            yield "\n"
    yield markup[position:]
