"""What the verifier reads and remembers: the stream with its frames, the stack with its marks, the memo, the bounds."""

from __future__ import annotations

from . import errors
from .opcodes import NAMES
from .settings import Settings
from .tags import FOREIGN, LOST, Bytes, ByteText, Frozen, Opaque, Tag, Tuple, hashable
from .targets import Targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap
    from typing import Any, NoReturn

    from .policy import Policy
    from .report import Import, Malformed, Obligation

LITERALS = frozenset({type(None), bool, int, str, Bytes, ByteText})
UNBOUNDED = 1 << 62


class Machine(Targets):
    """The state of an abstract unpickler over the loads of one Unpickler."""

    def __init__(
        self,
        policy: Policy | None,
        settings: Settings | None = None,
        on_obligation: Callable[[Import, Obligation], None] | None = None,
    ) -> None:
        super().__init__(policy, settings or Settings(), on_obligation)
        self.memo: dict[int, Tag] = {}
        self._identified = 0  # persistent ids seen in all loads
        self._memo_span = 0  # bytes of streams seen so far: what bounds a memo index
        self._data: bytes | mmap = b""
        self._error: Malformed | None = None
        self.begin()

    def begin(self, start: int = 0) -> None:
        """Begin a load: the stack, the marks and the protocol are new, the memo stays."""
        for item in self.needs:
            item.sealed = True
        self.violations = []
        self.suppressed = 0
        self.imports = []
        self.needs = []
        self.late = []
        self.persistent = {}
        self._first_identified = self._identified
        self.stack: list[Tag] = []
        self._marks: list[int] = []
        self._fence = 0
        self._proto = 0
        self._start = start
        self._pos = start
        self._frame_end = UNBOUNDED
        self._gaps: list[tuple[int, int]] = []
        self._shift = 0  # bytes that the buffer has left out so far
        self._position = start
        self._stopped = False
        self._stepping = True
        self._frame_left = 0
        self._error = None
        self._hash_cost = self._worked = 0
        self._extensions: dict[int, Import] = {}
        self.result: Tag = None

    # ---- reading ----------------------------------------------------------------------------------------------------

    def malformed(self, sentence: str) -> NoReturn:
        """End the judgement: these bytes are not read alike by C and Python, or not at all."""
        raise errors.MalformedStream(self._at, sentence)

    def _leave_frame(self) -> None:
        if self._pos + self._shift > self._frame_end:
            self.malformed("A frame ends inside an opcode.")
        self._frame_end = UNBOUNDED

    @property
    def in_frame(self) -> bool:
        """Whether a frame has bytes left."""
        return self._frame_end != UNBOUNDED

    def _take(self, size: int) -> bytes:
        start = self._pos
        stop = start + size
        if stop > len(self._data):
            self.malformed(f"The stream ends inside the argument of {NAMES[self._opcode]}.")
        self._pos = stop
        return self._data[start:stop]

    def _skip(self, size: int) -> int:
        """Step over an argument that is only data; give where it starts."""
        start = self._pos
        if size > len(self._data) - start:
            self.malformed(f"{NAMES[self._opcode]} is longer than the rest of the stream.")
        self._pos = start + size
        return start

    def _skip_gap(self, size: int) -> bool:
        """Step over bytes that are only data and that the buffer leaves out; whether it does."""
        if not self._gaps or self._gaps[0] != (self._pos, size):
            return False
        del self._gaps[0]
        self._shift += size
        return True

    def _left_out(self) -> int:
        return sum(length for _, length in self._gaps)

    @property
    def _read_so_far(self) -> int:
        """How many bytes the loads of this verifier have read."""
        return self._memo_span + self._pos - self._start + self._shift

    def _number(self, width: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(width), "little", signed=signed)

    def _line(self) -> bytes:
        start = self._pos
        stop = self._data.find(b"\n", start)
        if stop < 0:
            self.malformed(f"The stream ends inside the argument of {NAMES[self._opcode]}.")
        self._pos = stop + 1
        return self._data[start:stop]

    def _read(self, reader: Callable[[bytes], Any]) -> Any:
        line = self._line()
        try:
            return reader(line)
        except ValueError as error:
            self.malformed(f"{error}.")

    # ---- the stack --------------------------------------------------------------------------------------------------

    def _push(self, tag: Tag) -> None:
        stack = self.stack
        if len(stack) >= self.settings.max_depth:
            self.malformed(f"The stack is deeper than {self.settings.max_depth}.")
        stack.append(tag)

    def _pop(self) -> Tag:
        if len(self.stack) <= self._fence:
            self._empty()
        return self.stack.pop()

    def _top(self) -> Tag:
        if len(self.stack) <= self._fence:
            self._empty()
        return self.stack[-1]

    def _empty(self) -> NoReturn:
        self.malformed(f"{NAMES[self._opcode]} finds too little on the stack.")

    def _pop_mark(self) -> list[Tag]:
        if not self._marks:
            self.malformed(f"{NAMES[self._opcode]} finds no mark.")
        mark = self._marks.pop()
        self._fence = self._marks[-1] if self._marks else 0
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    # ---- the memo ----------------------------------------------------------------------------------------------------

    def _put(self, index: int) -> None:
        tag = self._top()
        if index > max(self.settings.memo_floor, self._read_so_far):
            self.malformed(f"The memo index {index} is larger than the stream.")
        if len(self.memo) >= self.settings.max_memo:
            self.malformed(f"The memo has more than {self.settings.max_memo} entries.")
        self.memo[index] = tag

    def _get(self, index: int) -> None:
        if index not in self.memo:
            self.malformed(f"The memo has no entry {index}.")
        found = self.memo[index]
        if found is LOST:
            self.malformed(f"The memo entry {index} is of a load that failed.")
        self._push(found)

    def abandon(self) -> None:
        """Forget what the memo held: the load that was judged did not run to its end, or it was refused.

        Helpers and classes of `instances` may be among it, and what was found once is not told again.
        """
        self.memo = dict.fromkeys(self.memo, LOST)

    def adopt(self, keys: Iterable[int]) -> None:
        """Take memo entries that the application set; they are its data."""
        self.memo = dict.fromkeys(keys, FOREIGN)

    def share_memo(self, other: Machine) -> None:
        """Take another Unpickler's memo (`u.memo = other.memo`)."""
        self.memo = dict(other.memo)

    # ---- the bounds --------------------------------------------------------------------------------------------------

    def charge(self, cost: int, depth: int) -> None:
        """Count what hashing and comparing keys cost; refuse what exceeds the bound."""
        self._hash_cost += cost
        if (
            self._hash_cost > self.settings.max_hash_cost + 8 * self._read_so_far
            or depth > self.settings.max_hash_depth
        ):
            self.malformed("A key or set member costs more to hash than the settings allow.")

    def work(self, amount: int) -> None:
        """Count what judging costs beyond a step for each opcode; refuse what the stream's size cannot justify."""
        self._worked += amount
        if self._worked > self.settings.max_work + 2 * self._read_so_far:
            self.malformed("The stream repeats large arguments more often than the settings allow.")

    def _hash(self, key: Tag) -> None:
        if type(key) in LITERALS:
            self._hash_cost += 1
            return
        if not hashable(key):
            self.malformed("A key or set member is not hashable.")
        if type(key) is Tuple:
            self.charge(key.cost, key.depth)
        elif type(key) is Opaque and key.steps:
            self.charge(1 + key.steps, 0)  # it does not keep its hash
        elif type(key) is Frozen:
            self.charge(key.cost, 0)  # it keeps its hash, but is compared
