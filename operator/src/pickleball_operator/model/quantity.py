"""Sizes and durations as Kubernetes writes them."""

from __future__ import annotations

import re

SIZE = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$"
DURATION = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def size_in_bytes(text: str) -> int:
    """`4Gi` is 4294967296. ValueError says how to write one."""
    match = re.fullmatch(r"([1-9][0-9]{0,14})(Ki|Mi|Gi|Ti|k|M|G|T)?", text)
    if not match:
        raise ValueError(f"{text!r} is not a size; write a whole number with Mi or Gi, such as 4Gi")
    return int(match[1]) * _UNITS[match[2] or ""]


def size_text(size: int) -> str:
    """A size as the API server writes it: 4294967296 is `4Gi`."""
    unit = next(unit for unit in ("Ti", "Gi", "Mi", "Ki", "") if size % _UNITS[unit] == 0)
    return f"{size // _UNITS[unit]}{unit}"


def duration_in_seconds(text: str) -> int:
    """`1h30m` is 5400. ValueError says how to write one."""
    if not text or not re.fullmatch(r"([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?", text):
        raise ValueError(f"{text!r} is not a duration; write hours, minutes and seconds, such as 15m or 1h30m")
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", text))
    if seconds == 0:
        raise ValueError(f"{text!r} is no time at all; write for example 15m")
    return seconds
