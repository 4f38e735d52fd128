"""The opcodes of pickle protocols 0 to 5: their names, the shape of their arguments and the one spelling of numbers.

Where the C and the Python unpickler give different values to the same bytes, or only one accepts them, the readers
here refuse: they raise ValueError with a sentence. Sources: CPython's Modules/_pickle.c and Lib/pickle.py.
"""

from __future__ import annotations

from .report import UNDECODABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# How the argument of an opcode is laid out: a number of bytes, one or two lines, or a length followed by that many.
NOTHING, LINE, TWO_LINES, LENGTH_1, LENGTH_4, LENGTH_4_SIGNED, LENGTH_8 = 0, -1, -2, -3, -4, -5, -6

TABLE: dict[int, tuple[str, int]] = {
    0x28: ("MARK", NOTHING),
    0x29: ("EMPTY_TUPLE", NOTHING),
    0x2E: ("STOP", NOTHING),
    0x30: ("POP", NOTHING),
    0x31: ("POP_MARK", NOTHING),
    0x32: ("DUP", NOTHING),
    0x42: ("BINBYTES", LENGTH_4),
    0x43: ("SHORT_BINBYTES", LENGTH_1),
    0x46: ("FLOAT", LINE),
    0x47: ("BINFLOAT", 8),
    0x49: ("INT", LINE),
    0x4A: ("BININT", 4),
    0x4B: ("BININT1", 1),
    0x4C: ("LONG", LINE),
    0x4D: ("BININT2", 2),
    0x4E: ("NONE", NOTHING),
    0x50: ("PERSID", LINE),
    0x51: ("BINPERSID", NOTHING),
    0x52: ("REDUCE", NOTHING),
    0x53: ("STRING", LINE),
    0x54: ("BINSTRING", LENGTH_4_SIGNED),
    0x55: ("SHORT_BINSTRING", LENGTH_1),
    0x56: ("UNICODE", LINE),
    0x58: ("BINUNICODE", LENGTH_4),
    0x5D: ("EMPTY_LIST", NOTHING),
    0x61: ("APPEND", NOTHING),
    0x62: ("BUILD", NOTHING),
    0x63: ("GLOBAL", TWO_LINES),
    0x64: ("DICT", NOTHING),
    0x65: ("APPENDS", NOTHING),
    0x67: ("GET", LINE),
    0x68: ("BINGET", 1),
    0x69: ("INST", TWO_LINES),
    0x6A: ("LONG_BINGET", 4),
    0x6C: ("LIST", NOTHING),
    0x6F: ("OBJ", NOTHING),
    0x70: ("PUT", LINE),
    0x71: ("BINPUT", 1),
    0x72: ("LONG_BINPUT", 4),
    0x73: ("SETITEM", NOTHING),
    0x74: ("TUPLE", NOTHING),
    0x75: ("SETITEMS", NOTHING),
    0x7D: ("EMPTY_DICT", NOTHING),
    0x80: ("PROTO", 1),
    0x81: ("NEWOBJ", NOTHING),
    0x82: ("EXT1", 1),
    0x83: ("EXT2", 2),
    0x84: ("EXT4", 4),
    0x85: ("TUPLE1", NOTHING),
    0x86: ("TUPLE2", NOTHING),
    0x87: ("TUPLE3", NOTHING),
    0x88: ("NEWTRUE", NOTHING),
    0x89: ("NEWFALSE", NOTHING),
    0x8A: ("LONG1", LENGTH_1),
    0x8B: ("LONG4", LENGTH_4_SIGNED),
    0x8C: ("SHORT_BINUNICODE", LENGTH_1),
    0x8D: ("BINUNICODE8", LENGTH_8),
    0x8E: ("BINBYTES8", LENGTH_8),
    0x8F: ("EMPTY_SET", NOTHING),
    0x90: ("ADDITEMS", NOTHING),
    0x91: ("FROZENSET", NOTHING),
    0x92: ("NEWOBJ_EX", NOTHING),
    0x93: ("STACK_GLOBAL", NOTHING),
    0x94: ("MEMOIZE", NOTHING),
    0x95: ("FRAME", 8),
    0x96: ("BYTEARRAY8", LENGTH_8),
    0x97: ("NEXT_BUFFER", NOTHING),
    0x98: ("READONLY_BUFFER", NOTHING),
}
NAMES: dict[int, str] = {code: name for code, (name, _) in TABLE.items()}
HIGHEST_PROTOCOL = 5
_WIDTHS = {LENGTH_1: 1, LENGTH_4: 4, LENGTH_4_SIGNED: 4, LENGTH_8: 8}
_CHUNK = 1 << 20
_INFINITY = float("inf")
_DIGITS = 4300  # what int() reads without a refusal from Python 3.11 on

# Compiled when the first number is read: most processes read none in Python.
_INT = rb"00|01|0|-?[1-9][0-9]*"
_LONG = rb"(-?(?:0|[1-9][0-9]*))L?"
_FLOAT = rb"-?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|nan)"
_INDEX = rb"0|[1-9][0-9]{0,18}"


def _fullmatch(pattern: bytes, data: bytes) -> re.Match[bytes] | None:
    import re  # noqa: PLC0415 - it is there where pickle is; commands start without it

    return re.fullmatch(pattern, data)


def read_int(line: bytes) -> int:
    """Read the argument of INT."""
    if not _fullmatch(_INT, line) or len(line) > _DIGITS:
        raise ValueError("INT holds a number that C and Python do not read alike")
    if line in (b"00", b"01"):
        return line == b"01"
    return int(line)


def read_long(line: bytes) -> int:
    """Read the argument of LONG."""
    found = _fullmatch(_LONG, line)
    if not found or len(line) > _DIGITS:
        raise ValueError("LONG holds a number that C and Python do not read alike")
    return int(found.group(1))


def check_float(line: bytes) -> None:
    """Check the argument of FLOAT."""
    if not _fullmatch(_FLOAT, line) or (abs(float(line)) == _INFINITY and not line.endswith(b"inf")):
        raise ValueError("FLOAT holds a number that C and Python do not read alike")


def read_index(line: bytes) -> int:
    """Read the memo index of GET and PUT."""
    if not _fullmatch(_INDEX, line):
        raise ValueError("a memo index is a decimal number without sign, blanks or leading zeros")
    return int(line)


def read_string(line: bytes) -> tuple[bytes, bool]:
    """Read the argument of STRING: its bytes, and whether an escape is one that Python warns about."""
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("the argument of STRING is not quoted")
    text = line[1:-1]
    if b"\\" not in text:
        return text, False
    return _unescape(text)


_SIMPLE = {
    0x5C: b"\\", 0x27: b"'", 0x22: b'"', 0x62: b"\b", 0x66: b"\f", 0x74: b"\t",
    0x6E: b"\n", 0x72: b"\r", 0x76: b"\v", 0x61: b"\a", 0x0A: b"",
}  # fmt: skip


def _unescape(text: bytes) -> tuple[bytes, bool]:
    """Resolve backslash escapes as CPython's escape_decode does, without its warnings."""
    out = bytearray()
    odd = False
    position = 0
    while True:
        slash = text.find(b"\\", position)
        if slash < 0:
            out += text[position:]
            return bytes(out), odd
        out += text[position:slash]
        digits = text[slash + 1 : slash + 4]
        octal = digits[: len(digits) - len(digits.lstrip(b"01234567"))]
        code = text[slash + 1] if slash + 1 < len(text) else -1
        if code in _SIMPLE:
            out += _SIMPLE[code]
            position = slash + 2
        elif octal:
            value = int(octal, 8)
            odd = odd or value > 255
            out.append(value & 255)
            position = slash + 1 + len(octal)
        elif code == 0x78:
            digits = text[slash + 2 : slash + 4]
            if not _fullmatch(rb"[0-9a-fA-F]{2}", digits):
                raise ValueError("STRING holds a \\x escape without two hexadecimal digits")
            out.append(int(digits, 16))
            position = slash + 4
        elif code < 0:
            raise ValueError("STRING ends in a backslash")
        else:
            odd = True
            out += text[slash : slash + 2]
            position = slash + 2


def read_text(form: str, opcode: str, data: bytes, encoding: str, errors: str) -> str:
    """Read the bytes of a text: "utf-8", "raw-unicode-escape", or "python2" by the Unpickler's encoding and errors."""
    try:
        if form == "python2":
            return data.decode(encoding, errors)
        return data.decode(form, "surrogatepass" if form == "utf-8" else "strict")
    except (UnicodeError, LookupError) as error:
        if form == "python2":
            what = f"{UNDECODABLE} with encoding={encoding!r}"
        else:
            what = f"{opcode} holds no {'UTF-8 ' if form == 'utf-8' else ''}text"
        raise ValueError(f"{what}: {error}") from error


def read_argument(opcode: int, read: Callable[[int], bytes], readline: Callable[[], bytes]) -> bytes:
    """Read the raw argument of an opcode from a stream; ValueError when the stream ends inside it.

    Lengths are not trusted: long arguments are read in pieces, so that a false length costs no memory.
    """
    kind = TABLE[opcode][1] if opcode in TABLE else NOTHING
    if kind >= 0:
        return _exactly(read, kind)
    if kind in (LINE, TWO_LINES):
        lines = [readline() for _ in range(-kind)]
        if not all(line.endswith(b"\n") for line in lines):
            raise ValueError(f"the stream ends inside the argument of {NAMES[opcode]}")
        return b"".join(lines)
    head = _exactly(read, _WIDTHS[kind])
    length = int.from_bytes(head, "little", signed=kind == LENGTH_4_SIGNED)
    if length < 0:
        raise ValueError(f"{NAMES[opcode]} has a negative length")
    return head + _exactly(read, length)


_SIZES = [1 + kind if kind >= 0 else kind for kind in (TABLE.get(code, ("", NOTHING))[1] for code in range(256))]
_STOP = 0x2E
_FRAME = 0x95
_LONGEST_FRAME = 1 << 20  # of those that are stepped over: a false length must not have a whole disk read


def scan(data: bytes | bytearray, position: int, *, frames: bool = False, known: bool = False) -> tuple[int, bool]:
    """Step from opcode to opcode; give where that ended, and whether it was at STOP (else: at what is not read yet).

    Nothing is judged: this only tells how much of a file belongs to its pickle. `frames` steps over frames as a whole,
    but for those that may end in STOP: in one that is no lie there is an end of an opcode where it ends. It takes what
    is no opcode for STOP, since nothing behind it is read; so does `known`.
    """
    end = len(data)
    while position < end:
        opcode = data[position]
        if opcode == _STOP or ((frames or known) and opcode not in TABLE):
            return position + 1, True
        size = _SIZES[opcode]
        if size > 0:
            after = position + size
            if frames and opcode == _FRAME and after <= end:
                length = int.from_bytes(data[position + 1 : after], "little")
                if length <= _LONGEST_FRAME and data[after + length - 1 : after + length] != b".":
                    after += length
        elif size in (LINE, TWO_LINES):
            after = position
            for _ in range(-size):
                after = data.find(b"\n", after) + 1
                if not after:
                    return position, False
        else:
            width = _WIDTHS[size]
            after = position + 1 + width
            if after > end:
                return position, False
            after += max(0, int.from_bytes(data[position + 1 : after], "little", signed=size == LENGTH_4_SIGNED))
        if after > end:
            return position, False
        position = after
    return position, False


# Literals whose content is nothing but data, and how many bytes of length precede it.
LITERALS = {code: _WIDTHS[kind] for code, (name, kind) in TABLE.items() if "BYTE" in name and kind < 0}


def missing(data: bytes) -> int:
    """Give how many bytes the opcode at the start lacks, as far as a length says it; 0 where none does."""
    width = _WIDTHS.get(TABLE.get(data[0], ("", NOTHING))[1]) if data else None
    if width is None or len(data) <= width:
        return 0
    return max(0, 1 + width + int.from_bytes(data[1 : 1 + width], "little") - len(data))


def literal(data: bytes | bytearray, position: int) -> tuple[int, int]:
    """Give where the content of the byte literal at a position begins, and its length; 0 when there is none."""
    width = LITERALS.get(data[position]) if position < len(data) else None
    start = position + 1 + (width or 0)
    if width is None or start > len(data):
        return position, 0
    return start, int.from_bytes(data[position + 1 : start], "little")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    pieces = []
    while size:
        piece = read(min(size, _CHUNK))
        if not piece:
            raise ValueError("the stream ends inside an argument")
        pieces.append(bytes(piece))
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
