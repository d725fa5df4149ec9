"""Texts that a terminal can show."""


def printable(text: str) -> str:
    """Return a text in which characters that a terminal would obey, or cannot show, are written as
    in Python, e.g. ``\\x1b``. Line breaks stay."""
    return ''.join(c if c.isprintable() or c == '\n' else ascii(c)[1:-1] for c in text)


def shortened(value: object, length: int = 60) -> str:
    """Return a value as text, of which only the beginning is left if it is longer than
    ``length``."""
    text = str(value)
    return text if len(text) <= length else f'{text[:length - 3]}...'
