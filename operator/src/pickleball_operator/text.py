"""Text from others, made fit for one line of ours."""

from __future__ import annotations

LIMIT = 600


def sentence(text: str, limit: int = LIMIT) -> str:
    """One printable line of bounded length, ended by a full stop."""
    line = clip(text, limit)
    return line if line.endswith((".", "!", "?", "…")) or not line else f"{line}."


def clip(text: str, limit: int = LIMIT) -> str:
    """Printable, on one line, at most `limit` characters; a cut shows as an ellipsis."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
