"""The verifier: an abstract unpickler that imports and calls nothing.

`Verifier(policy, settings)` lives as long as its Unpickler: its memo of tags persists over several loads.

Whole buffer (C driver, static driver)::

    verdict = verifier.verify(data, start)     # Verdict; never raises for a bad stream
    ... run it when verdict.clean ...
    verifier.abandon()                         # when it failed or was refused: nothing gets its memo entries

Lockstep (Python driver)::

    verifier = Verifier(policy, settings, on_obligation=callback)
    verifier.begin()
    violations = verifier.step(opcode, argument, offset)   # before the opcode's effect; raises MalformedStream
    verifier.depths                            # (marks, items since the last mark): compare after the effect
    verdict = verifier.finish()                            # after STOP

`argument` is the raw bytes that follow the opcode (`opcodes.read_argument(opcode, read, readline)` reads exactly them).
After a step with GLOBAL, INST, STACK_GLOBAL or EXT*, `verifier.imports[-1]` predicts the find_class call.
`callback(import, obligation)` is called within `step`, also for imports whose object is already there: check it with
`obligations.discharge_one(object, import, obligation)`. For kinds `result-*` with a callee that is no class, check the
target on the real stack with `obligations.check_result(target, callee, import, obligation, holders=(stack, memo))`.
An import with a `parent` is a getattr in the stream: its object is that attribute of the parent's object.

With `policy=None` the verifier traces: everything is allowed, and `needs` says what a policy would have to list.
"""

from __future__ import annotations

from . import errors, names
from .judgement import candidate
from .opcodes import HIGHEST_PROTOCOL, NAMES, check_float, read_index, read_int, read_long, read_string, read_text
from .report import Import, Malformed, Verdict
from .settings import Settings
from .tags import (
    BUFFER,
    BYTEARRAY,
    EMPTY_TUPLE,
    FLOAT,
    FOREIGN,
    LONG,
    LONG_TEXT,
    LOST,
    MUTABLE,
    PERSISTENT,
    Bytes,
    ByteText,
    Container,
    Frozen,
    Object,
    Opaque,
    Tag,
    Tuple,
    hashable,
    long_integer,
    summary,
)
from .targets import Targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap
    from typing import Any, NoReturn

    from .policy import Policy
    from .report import Obligation, Violation

__all__ = ["Settings", "Verifier"]

_LITERALS = frozenset({type(None), bool, int, str, Bytes, ByteText})
_NO_FRAME = 1 << 62
_FRAME = 0x95
_WIDE = 8


class Verifier(Targets):
    """Judges the pickles of one Unpickler."""

    _handlers: list[Callable[[Any], None] | None]

    def __init_subclass__(cls) -> None:
        cls._handlers = _handlers_of(cls)

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

    # ---- loads ------------------------------------------------------------------------------------------------------

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
        self._frame_end = _NO_FRAME
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

    def lean(self) -> bytes | None:
        """Give a pickle that loads as the one that was judged `last`, and sooner: only the compiled one does."""
        return None

    def verify(
        self,
        data: bytes | bytearray | memoryview | mmap,
        start: int = 0,
        *,
        gaps: Iterable[tuple[int, int]] = (),
        last: bool = False,  # noqa: ARG002 - what the compiled one can save, this one has not
    ) -> Verdict:
        """Judge one pickle from `start` up to its STOP. A bad stream is told by the verdict, never raised.

        `gaps` tells where the data leaves out the bytes of literals, which are only data, and how many; `last` that no
        other load will use the memo.
        """
        saved = dict(self.memo) if self.memo else {}
        self.begin(start)
        self._stepping = False
        self._gaps = list(gaps)
        self._data = bytes(data) if isinstance(data, (bytearray, memoryview)) else data
        try:
            self._run()
        except errors.PickleBallError as error:
            self._error = Malformed(self._at, getattr(error, "sentence", str(error)))
        verdict = self.finish()
        if not verdict.clean:
            self.memo = saved  # nothing of it will run
        self._data = b""
        return verdict

    def finish(self) -> Verdict:
        """Give the judgement of what was read since `begin`."""
        if not self._stepping:
            self._memo_span = self._read_so_far
        if not self._stopped and self._error is None:
            self._error = Malformed(self._position, "The stream ends without STOP.")
        return Verdict(
            self._start, self._position, self._error, self.violations, self.imports, self.late, self.persistent
        )

    def abandon(self) -> None:
        """Forget what the memo held: the load that was judged did not run to its end, or it was refused.

        Helpers and classes of `instances` may be among it, and what was found once is not told again.
        """
        self.memo = dict.fromkeys(self.memo, LOST)

    def adopt(self, keys: Iterable[int]) -> None:
        """Take memo entries that the application set; they are its data."""
        self.memo = dict.fromkeys(keys, FOREIGN)

    def share_memo(self, other: Verifier) -> None:
        """Take another Unpickler's memo (`u.memo = other.memo`)."""
        self.memo = dict(other.memo)

    @property
    def depths(self) -> tuple[int, int]:
        """How many marks are open, and how many values lie above the last one."""
        return len(self._marks), len(self.stack) - self._fence

    def note_fresh(self) -> None:
        """Take note that nothing else holds what the last REDUCE gave (lockstep)."""
        if self.stack and type(self.stack[-1]) is Object:
            self.stack[-1].fresh = True

    @property
    def target_fresh(self) -> bool:
        """Whether the target of the current BUILD or item operation was noted as fresh."""
        return bool(self.stack) and type(self.stack[-1]) is Object and self.stack[-1].fresh

    @property
    def stopped(self) -> bool:
        """Whether STOP was read."""
        return self._stopped

    # ---- the two ways to run ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        data = self._data
        end = len(data)
        if end - self._start + self._left_out() > self.settings.max_length:
            self.malformed(f"The stream is longer than {self.settings.max_length} bytes.")
        handlers = self._handlers
        while not self._stopped:
            at = self._pos
            if at >= end:
                self._at = self._position = at + self._shift
                self.malformed("The stream ends without STOP.")
            self._at = at + self._shift
            self._opcode = opcode = data[at]
            self._pos = at + 1
            handler = handlers[opcode]
            if handler is None:
                self.malformed(f"0x{opcode:02x} is no opcode.")
            handler(self)
            if self._pos + self._shift >= self._frame_end:
                self._leave_frame()
        self._position = self._pos + self._shift
        self._close()

    def step(self, opcode: int, argument: bytes, offset: int) -> tuple[Violation, ...]:
        """Take one opcode before its effect; give the violations that it brings. Raises MalformedStream."""
        before = len(self.violations)
        self._at = self._position = offset
        self._opcode = opcode
        if self._stopped:
            self.malformed("An opcode follows STOP.")
        handler = self._handlers[opcode]
        if handler is None:
            self.malformed(f"0x{opcode:02x} is no opcode.")
        size = 1 + len(argument)
        if self._frame_left:
            if opcode == _FRAME:
                self.malformed("A frame begins before the end of another.")
            if size > self._frame_left:
                self.malformed("A frame ends inside an opcode.")
            self._frame_left -= size
        self._memo_span += size
        self._data = argument
        self._pos = 0
        try:
            handler(self)
            if self._pos != len(argument):
                self.malformed(f"The argument of {NAMES[opcode]} has a wrong length.")
        finally:
            self._data = b""
            self._start = self._pos = 0
        self._position = offset + size
        self._close()
        return tuple(self.violations[before:])

    def _close(self) -> None:
        """After STOP, no frame may have bytes left: the C unpickler would keep them for the next load."""
        if self._stopped and (self._frame_left or self._frame_end != _NO_FRAME):
            self.malformed("A frame reaches past STOP.")

    # ---- reading ----------------------------------------------------------------------------------------------------

    def malformed(self, sentence: str) -> NoReturn:
        """End the judgement: these bytes are not read alike by C and Python, or not at all."""
        raise errors.MalformedStream(self._at, sentence)

    def _leave_frame(self) -> None:
        if self._pos + self._shift > self._frame_end:
            self.malformed("A frame ends inside an opcode.")
        self._frame_end = _NO_FRAME

    @property
    def in_frame(self) -> bool:
        """Whether a frame has bytes left."""
        return self._frame_end != _NO_FRAME

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
        if type(key) in _LITERALS:
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

    # ---- literals ---------------------------------------------------------------------------------------------------

    def _op_none(self) -> None:
        self._push(None)

    def _op_newtrue(self) -> None:
        self._push(True)  # noqa: FBT003 - the value of the opcode

    def _op_newfalse(self) -> None:
        self._push(False)  # noqa: FBT003 - the value of the opcode

    def _op_int(self) -> None:
        self._push(_small(self._read(read_int)))

    def _op_long(self) -> None:
        self._push(_small(self._read(read_long)))

    def _op_binint(self) -> None:
        self._push(self._number(4, signed=True))

    def _op_binint1(self) -> None:
        self._push(self._number(1))

    def _op_binint2(self) -> None:
        self._push(self._number(2))

    def _op_long1(self) -> None:
        self._long(self._number(1))

    def _op_long4(self) -> None:
        size = self._number(4, signed=True)
        if size < 0:
            self.malformed("LONG4 has a negative length.")
        self._long(size)

    def _long(self, size: int) -> None:
        start = self._skip(size)
        if size > _WIDE:
            self._push(long_integer(size))
        else:
            self._push(int.from_bytes(self._data[start : start + size], "little", signed=True))

    def _op_float(self) -> None:
        self._read(check_float)
        self._push(FLOAT)

    def _op_binfloat(self) -> None:
        self._skip(8)
        self._push(FLOAT)

    def _op_string(self) -> None:
        text, _ = self._read(read_string)
        self._bytetext(text)

    def _op_binstring(self) -> None:
        size = self._number(4, signed=True)
        if size < 0:
            self.malformed("BINSTRING has a negative length.")
        self._bytetext(self._take(size))

    def _op_short_binstring(self) -> None:
        self._bytetext(self._take(self._number(1)))

    def _bytetext(self, text: bytes) -> None:
        settings = self.settings
        if settings.encoding == "bytes":
            self._push(Bytes(self._pos - len(text), self._pos))
            return
        decoded = self._decode("python2", text)
        self._push(ByteText(decoded if len(decoded) <= settings.max_name else None))

    def _op_unicode(self) -> None:
        self._text(self._decode("raw-unicode-escape", self._line()))

    def _op_binunicode(self) -> None:
        self._utf8(self._number(4))

    def _op_short_binunicode(self) -> None:
        self._utf8(self._number(1))

    def _op_binunicode8(self) -> None:
        self._utf8(self._number(8))

    def _utf8(self, size: int) -> None:
        start = self._skip(size)
        self._text(self._decode("utf-8", self._data[start : start + size]))

    def _decode(self, form: str, data: bytes) -> str:
        try:
            return read_text(form, NAMES[self._opcode], data, self.settings.encoding, self.settings.errors)
        except ValueError as error:
            self.malformed(f"{error}.")

    def _text(self, text: str) -> None:
        self._push(text if len(text) <= self.settings.max_name else LONG_TEXT)

    def _bytes(self, size: int) -> None:
        start = self._pos if self._skip_gap(size) else self._skip(size)
        self._push(Bytes(start, start + size))

    def _op_binbytes(self) -> None:
        self._bytes(self._number(4))

    def _op_short_binbytes(self) -> None:
        self._bytes(self._number(1))

    def _op_binbytes8(self) -> None:
        self._bytes(self._number(8))

    def _op_bytearray8(self) -> None:
        size = self._number(8)
        if not self._skip_gap(size):
            self._skip(size)
        self._push(BYTEARRAY)

    def _op_next_buffer(self) -> None:
        if self.settings.buffers is False:
            self.malformed("The stream refers to out-of-band buffers, and none were given.")
        self._push(BUFFER)

    def _op_readonly_buffer(self) -> None:
        top = self._top()
        if top is not BUFFER and top is not BYTEARRAY and type(top) is not Bytes:
            self.malformed("READONLY_BUFFER is applied to something that is no buffer.")

    # ---- containers -------------------------------------------------------------------------------------------------

    def _op_empty_tuple(self) -> None:
        self._push(EMPTY_TUPLE)

    def _op_tuple(self) -> None:
        items = self._pop_mark()
        self._push(Tuple(tuple(items)) if items else EMPTY_TUPLE)

    def _op_tuple1(self) -> None:
        self._push(Tuple((self._pop(),)))

    def _op_tuple2(self) -> None:
        second, first = self._pop(), self._pop()
        self._push(Tuple((first, second)))

    def _op_tuple3(self) -> None:
        third, second, first = self._pop(), self._pop(), self._pop()
        self._push(Tuple((first, second, third)))

    def _op_empty_list(self) -> None:
        self._push(Container("list"))

    def _op_empty_dict(self) -> None:
        self._push(Container("dict"))

    def _op_empty_set(self) -> None:
        self._push(Container("set"))

    def _op_list(self) -> None:
        items = self._pop_mark()
        made = Container("list")
        self._extend(made, items)
        self._push(made)

    def _op_dict(self) -> None:
        items = self._pop_mark()
        made = Container("dict")
        self._update(made, items)
        self._push(made)

    def _op_frozenset(self) -> None:
        items = self._pop_mark()
        for item in items:
            self._hash(item)
            self.release(item)
        flags, cost, _ = summary(items)
        self._push(Frozen(flags & ~MUTABLE, cost))

    def _extend(self, target: Tag, items: list[Tag]) -> None:
        if type(target) is not Container or target.kind != "list" or target.frozen:
            self.add_items(target, "list", items)
            return
        if not set(map(type, items)) <= _LITERALS:
            for item in items:
                self.release(item)
        self._absorb(target, items)

    def _absorb(self, target: Container, items: list[Tag]) -> None:
        if not items:
            return
        flags, cost, depth = summary(items)
        target.flags |= flags
        target.cost = min(target.cost + cost, _NO_FRAME)
        target.depth = max(target.depth, depth)
        if target.nested:
            self.check_nested(target)

    def _update(self, target: Tag, items: list[Tag]) -> None:
        if len(items) % 2:
            self.malformed("An odd number of values stands where keys and values belong.")
        for key in items[::2]:
            self._hash(key)
        if type(target) is not Container or target.kind != "dict" or target.frozen:
            self.add_items(target, "dict", items)
            return
        for position in range(0, len(items), 2):
            key, value = items[position], items[position + 1]
            self.release(key)
            self.release(value)
            target.put(key, value)
            if target.given is not None and type(key) is str:
                self.check_names(target.given, {key: value})
        self._absorb(target, items)

    def _op_append(self) -> None:
        value = self._pop()
        self._extend(self._top(), [value])

    def _op_appends(self) -> None:
        items = self._pop_mark()
        self._extend(self._top(), items)

    def _op_setitem(self) -> None:
        value, key = self._pop(), self._pop()
        self._update(self._top(), [key, value])

    def _op_setitems(self) -> None:
        items = self._pop_mark()
        self._update(self._top(), items)

    def _op_additems(self) -> None:
        items = self._pop_mark()
        target = self._top()
        for item in items:
            self._hash(item)
        if type(target) is Container and target.kind == "set" and not target.frozen:
            for item in items:
                self.release(item)
            self._absorb(target, items)
        else:
            self.add_items(target, "set", items)

    # ---- stack and memo ---------------------------------------------------------------------------------------------

    def _op_mark(self) -> None:
        if len(self._marks) >= self.settings.max_depth:
            self.malformed(f"More than {self.settings.max_depth} marks are open.")
        self._fence = len(self.stack)
        self._marks.append(self._fence)

    def _op_pop(self) -> None:
        if len(self.stack) > self._fence:
            self.stack.pop()
        else:
            self._pop_mark()

    def _op_pop_mark(self) -> None:
        self._pop_mark()

    def _op_dup(self) -> None:
        self._push(self._top())

    def _op_get(self) -> None:
        self._get(self._read(read_index))

    def _op_binget(self) -> None:
        self._get(self._number(1))

    def _op_long_binget(self) -> None:
        self._get(self._number(4))

    def _op_put(self) -> None:
        self._put(self._read(read_index))

    def _op_binput(self) -> None:
        self._put(self._number(1))

    def _op_long_binput(self) -> None:
        self._put(self._number(4))

    def _op_memoize(self) -> None:
        self._put(len(self.memo))

    # ---- imports ----------------------------------------------------------------------------------------------------

    def _below(self) -> tuple[Tag, Tag]:
        """Give the two values that an import is pushed on."""
        stack = self.stack
        return stack[-2] if len(stack) > 1 else None, stack[-1] if stack else None

    def _import(self, module: str, name: str, code: int = 0) -> Import:
        fault = names.name_fault(module, name)
        if fault:
            self.malformed(f"{fault[0].upper()}{fault[1:]}.")
        if len(module) > self.settings.max_name or len(name) > self.settings.max_name:
            self.malformed(f"A name is longer than {self.settings.max_name} characters.")
        return self.predict(module, name, self._proto, below=self._below(), code=code)

    def _two_names(self, encoding: str) -> tuple[str, str]:
        try:
            return self._line().decode(encoding), self._line().decode(encoding)
        except UnicodeError:
            self.malformed(f"{NAMES[self._opcode]} has names that are not {encoding.upper()}.")

    def _op_global(self) -> None:
        module, name = self._two_names("utf-8")
        self._push(self._import(module, name))

    def _op_stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            sentence = "The stream imports a name that it does not write as a text."
            self.refuse("name-not-literal", "?", sentence)
            self._push(Object(None, "call"))
            return
        self._push(self._import(module, name))

    def _op_inst(self) -> None:
        module, name = self._two_names("ascii")
        if not self._marks:
            self.malformed("INST finds no mark.")
        found = self._import(module, name)
        self._push(self.instantiate(found, tuple(self._pop_mark())))

    def _op_ext1(self) -> None:
        self._extension(self._number(1))

    def _op_ext2(self) -> None:
        self._extension(self._number(2))

    def _op_ext4(self) -> None:
        self._extension(self._number(4, signed=True))

    def _extension(self, code: int) -> None:
        if code in self._extensions:
            self._push(self._extensions[code])
            return
        known = names.extension(code) if code > 0 else None
        if known is None:
            self.malformed(f"The extension code {code} is not registered.")
        found = self._extensions[code] = self._import(*known, code)
        if found.decision == "stub":
            sentence = f"The stream imports {found.path} by extension code {code}, which the policy does not allow."
            self.refuse("extension-not-allowed", found.path, sentence, ("globals", found.path))
        self._push(found)

    # ---- calls and changes ------------------------------------------------------------------------------------------

    def _op_reduce(self) -> None:
        args, callee = self._pop(), self._pop()
        self._push(self.call(callee, args))

    def _op_newobj(self) -> None:
        args, cls = self._pop(), self._pop()
        self._push(self.new(cls, args))

    def _op_newobj_ex(self) -> None:
        kwargs, args, cls = self._pop(), self._pop(), self._pop()
        self._push(self.new(cls, args, kwargs))

    def _op_obj(self) -> None:
        items = self._pop_mark()
        if not items:
            self.malformed("OBJ finds no class after its mark.")
        self._push(self.instantiate(items[0], tuple(items[1:])))

    def _op_build(self) -> None:
        state = self._pop()
        self.build(self._top(), state)

    def _op_persid(self) -> None:
        try:
            self._line().decode("ascii")
        except UnicodeError:
            self.malformed("PERSID holds an id that is not ASCII.")
        self._identified += 1
        self._push(PERSISTENT)

    def _op_binpersid(self) -> None:
        pid = self._pop()
        self.check_persistent(pid)
        self.work(len(pid.items) if type(pid) is Tuple else 0)
        tag, held = PERSISTENT, candidate(pid)
        if held is not None:
            tag = Opaque(PERSISTENT.name, PERSISTENT.flags)
            tag.index, tag.candidate = self._identified, held
        self._identified += 1
        self._push(tag)

    # ---- the frame of the stream ------------------------------------------------------------------------------------

    def _op_proto(self) -> None:
        proto = self._number(1)
        if proto > HIGHEST_PROTOCOL:
            self.malformed(f"Protocol {proto} is not known.")
        self._proto = proto

    def _op_frame(self) -> None:
        size = self._number(8)
        if self._stepping:
            self._frame_left = size
            return
        if self._frame_end != _NO_FRAME:
            self.malformed("A frame begins before the end of another.")
        if size > len(self._data) - self._pos + self._left_out():
            self.malformed("A frame is longer than the rest of the stream.")
        self._frame_end = self._pos + self._shift + size

    def _op_stop(self) -> None:
        self.result = self._pop()
        self.release(self.result)
        self.keep(self.result)
        self._stopped = True


def _small(number: int) -> Tag:
    return number if -(1 << 63) <= number < 1 << 63 else LONG


def _handlers_of(cls: type[Verifier]) -> list[Callable[[Any], None] | None]:
    """Give the methods of a class by opcode."""
    return [getattr(cls, f"_op_{NAMES[code].lower()}") if code in NAMES else None for code in range(256)]


Verifier._handlers = _handlers_of(Verifier)  # noqa: SLF001 - of those that derive from it: __init_subclass__
