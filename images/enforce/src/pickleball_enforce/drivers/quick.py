"""The short way for pickles that are nothing but data: one judgement, then stock's own `loads`.

Such a stream imports nothing, so there is no obligation and no find_class to watch. Anything else, and every stream
that is not clean, takes the long way and is judged there.
"""

from __future__ import annotations

import io

from pickleball_enforce import engine, lookup, pause, stock
from pickleball_enforce.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORT = 1 << 16  # bytes that are read to see whether a file is short
_SETTINGS = Settings(buffers=False)
_spare: list[Any] = []  # verifiers that no thread uses now


def load(content: bytes, start: int = 0) -> tuple[Any, int] | None:
    """Load a pickle that is nothing but data; give the object and where the pickle ends, or None for all others."""
    if engine.native is None or lookup.current().policy is None:
        return None
    try:
        verifier = _spare.pop()
    except IndexError:
        verifier = engine.native.make_core(None, _SETTINGS)  # without imports, no policy is asked
    end = verifier.end_of_data(content, start)
    _spare.append(verifier)
    if end is None:
        return None
    stream = content[start:end] if start else content
    if pause.USEFUL and end - start > pause.LEAST:
        return pause.paused(stock.loads, stream), end
    return stock.loads(stream), end


def load_file(file: Any) -> tuple[Any, int] | None:
    """As `load`, from the position of a file; short ones only, and of those that can be read ahead."""
    kind = type(file)
    if kind is io.BytesIO:
        start = file.tell()
        found = load(file.getvalue(), start)
        if found is not None:
            file.seek(found[1])
        return found
    if kind is not io.BufferedReader or engine.native is None or not file.seekable():
        return None
    start = file.tell()
    found = load(file.read(_SHORT))
    file.seek(start if found is None else start + found[1])
    return found
