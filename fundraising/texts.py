"""What donors write about themselves, fit for a page that everybody sees."""

import unicodedata

MAX_MARKS = 2  # accents on one letter, after composition; Vietnamese needs no more
JOINER = "\u200d"  # holds family emoji together
FORBIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control, direction, half and private characters


def clean(text: str) -> str:
    """Without control and direction characters and towers of accents; line ends as ``\\n``."""
    kept, marks = [], 0
    for char in unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")):
        category = unicodedata.category(char)
        if category in ("Zl", "Zp"):
            char, category = "\n", "Zl"
        if category in FORBIDDEN and char not in ("\n", "\t", JOINER):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept).strip(f" \n\t{JOINER}")


def one_line(text: str) -> str:
    return " ".join(clean(text).split())
