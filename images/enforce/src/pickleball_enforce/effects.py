"""What each opcode does to the stack, to the memo and to what it reaches: one method for each, as in pickle.py."""

from __future__ import annotations

from . import names
from .judgement import candidate
from .machine import LITERALS, UNBOUNDED, Machine
from .opcodes import HIGHEST_PROTOCOL, NAMES, check_float, read_index, read_int, read_long, read_string, read_text
from .tags import (
    BUFFER,
    BYTEARRAY,
    EMPTY_TUPLE,
    FLOAT,
    LONG,
    LONG_TEXT,
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
    long_integer,
    summary,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Import

_WIDE = 8


class Effects(Machine):
    """The methods `_op_NAME`; each takes its argument from the stream."""

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
        if not set(map(type, items)) <= LITERALS:
            for item in items:
                self.release(item)
        self._absorb(target, items)

    def _absorb(self, target: Container, items: list[Tag]) -> None:
        if not items:
            return
        flags, cost, depth = summary(items)
        target.flags |= flags
        target.cost = min(target.cost + cost, UNBOUNDED)
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
        if self._frame_end != UNBOUNDED:
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
