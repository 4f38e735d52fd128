"""Arrays between and beside opcodes: joblib's files and numpy's npy format.

joblib pickles a wrapper in place of each array, and its load_build reads the bytes of the array right after the BUILD
of that wrapper: one byte with the length of a padding, the padding, the bytes. Arrays of objects follow as a pickle of
their own. Sources: joblib/numpy_pickle.py (format since 0.10), numpy/lib/format.py.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from . import names
from .errors import SourceError
from .report import Import
from .tags import Bytes, Container, Object, Tag, Tuple
from .verifier import Verifier

if TYPE_CHECKING:
    from .policy import Policy
    from .report import Verdict
    from .settings import Settings

_HAS_OBJECTS = 1


class ArrayReader(Verifier):
    """Judges a pickle, reads joblib's arrays where they stand, and notes bytes that go to another unpickler."""

    def __init__(self, policy: Policy | None, settings: Settings, *, arrays: bool = True) -> None:
        super().__init__(policy, settings)
        self._arrays = arrays
        self._policy = policy
        self.first_array: int | None = None
        self.nested: list[tuple[int, Verdict, list[Import]]] = []
        self.literals: list[tuple[int, bytes]] = []

    # ---- bytes that go to another unpickler -------------------------------------------------------------------------

    def call(self, callee: Tag, args: Tag) -> Tag:
        """Judge a call; keep the bytes that it gives to an unpickler."""
        result = super().call(callee, args)
        if type(callee) is Import and callee.path in names.NESTED and type(args) is Tuple and args.items:
            content = self._content(args.items[0])
            if content is not None:
                self.literals.append((self._at, content))
        return result

    def _content(self, tag: Tag) -> bytes | None:
        if type(tag) is Bytes:
            return tag.content if tag.content is not None else self._data[tag.start : tag.stop]
        if type(tag) is Object and tag.origin is not None and tag.origin.path in ("_io.BytesIO", "io.BytesIO"):
            args = tag.args.items if type(tag.args) is Tuple else ()
            return self._content(args[0]) if args else None
        return None

    def _encode(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        result = super()._encode(helper, items)
        if type(result) is Bytes and type(items[0]) is str:
            try:
                result.content = items[0].encode("latin1")
            except UnicodeError:
                self.malformed("_codecs.encode is given a text that is not latin1.")
        return result

    # ---- joblib -----------------------------------------------------------------------------------------------------

    def build(self, target: Tag, state: Tag) -> None:
        """Judge BUILD; step over the array that follows the state of a wrapper."""
        super().build(target, state)
        if not self._arrays or type(target) is not Object or target.origin is None:
            return
        if not names.is_array_wrapper(target.origin.path):
            return
        if self._pos >= self._frame_end:
            self._leave_frame()
        if self.in_frame:
            self.malformed("An array begins inside a frame.")
        if self.first_array is None:
            self.first_array = self._at
        self._step_over(state)

    def _step_over(self, state: Tag) -> None:
        known = (state.entries or {}) if type(state) is Container else {}
        size, objects = item_size(known.get("dtype"))
        if objects:
            inner = Verifier(self._policy, self.settings)
            verdict = inner.verify(self._data, self._pos)
            self.nested.append((self._pos, verdict, list(inner.needs)))
            if verdict.error:
                self.malformed("The array of objects at this place is no pickle.")
            self._pos = verdict.end
            return
        shape = known.get("shape")
        if size is None or type(shape) is not Tuple or not all(type(item) is int and item >= 0 for item in shape.items):
            self.malformed("The size of the array at this place cannot be told from its wrapper.")
        for length in shape.items:
            size *= length
        if known.get("numpy_array_alignment_bytes") is not None:
            self._skip(self._number(1))
        self._skip(size)


def item_size(dtype: Tag) -> tuple[int | None, bool]:
    """Give the bytes of one item of a dtype that the stream wrote, and whether it holds objects."""
    if type(dtype) is not Object or type(dtype.args) is not Tuple or not dtype.args.items:
        return None, False
    if dtype.origin is not None and dtype.origin.canonical[1] in ("StringDType", "_convert_to_stringdtype_kwargs"):
        return None, True
    text = dtype.args.items[0]
    found = re.fullmatch(r"[<>|=]?([biufcmMOSUV])([0-9]+)", text) if type(text) is str else None
    if not found:
        return None, False
    kind, size = found.group(1), int(found.group(2))
    state = dtype.state.items if type(dtype.state) is Tuple else ()
    flags = state[7] if len(state) > 7 and type(state[7]) is int else 0
    width = size * 4 if kind == "U" else size
    if kind in "SUV" and len(state) > 5 and type(state[5]) is int and state[5] >= 0:
        width = state[5]
    return width, kind == "O" or bool(flags & _HAS_OBJECTS)


def npy_pickle(data: bytes, where: str) -> int | None:
    """Give where the pickle of an npy file begins, or None when the array holds no objects."""
    widths = {1: 2, 2: 4, 3: 4}
    width = widths.get(data[6] if len(data) > 6 else 0)
    if width is None or len(data) < 8 + width:
        raise SourceError(where, "has an npy header of an unknown version")
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    if len(data) < start:
        raise SourceError(where, "ends inside its npy header")
    try:
        header = ast.literal_eval(data[8 + width : start].decode("utf-8" if data[6] == 3 else "latin1").strip())
        descr = header["descr"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise SourceError(where, f"has an npy header that cannot be read: {error}") from error
    return start if _holds_objects(descr) else None


def _holds_objects(descr: object) -> bool:
    """Whether a dtype description names objects anywhere; what is not understood may hold them."""
    if isinstance(descr, str):
        return not re.fullmatch(r"[<>|=]?[biufcmMSUV?][0-9]*(\[[0-9]*[A-Za-z]+\])?", descr)
    if isinstance(descr, tuple) and len(descr) == 2:
        return _holds_objects(descr[0])  # a sub-array: (base, shape)
    if isinstance(descr, list):
        return any(not isinstance(item, tuple) or len(item) < 2 or _holds_objects(item[1]) for item in descr)
    return True
