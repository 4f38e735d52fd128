"""Bytes of old protocols are made from their UTF-8 at once, where nothing can tell that there was no text between."""

from __future__ import annotations

import _codecs
import pickle
import random
import struct
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from tests.attacks.execution import Left
from tests.attacks.requirement import COMPILED
from tests.attacks.test_builder import PLAIN, build
from tests.attacks.test_calling import find, made
from tests.attacks.test_quick import hooked

from pickleball_enforce import stock

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = COMPILED
UNREGISTERING = pytest.mark.skipif(
    sys.version_info < (3, 10), reason="codecs cannot be unregistered before Python 3.10"
)
MEGABYTE = 1 << 20


def text(content: bytes) -> bytes:
    """Write a text of any bytes."""
    return b"X" + struct.pack("<I", len(content)) + content


ENCODE, LATIN1 = b"c_codecs\nencode\n", text(b"latin1")


def outcome(load: Any, data: bytes) -> tuple[Any, ...]:
    """Give what a load gives or raises."""
    try:
        return "made", load(data)
    except Exception as error:  # noqa: BLE001 - compared
        return type(error), str(error)


def alike(data: bytes) -> None:
    """Both ways of the compiled module make what stock makes; the one for plain data may leave it alone."""
    expected = outcome(stock.loads, data)
    assert outcome(made, data) == expected, data
    built = build(data)
    assert built is None or ("made", built[0]) == expected, data


def encoded(content: bytes, codec: bytes = LATIN1) -> bytes:
    """Write the call of a text."""
    return ENCODE + text(content) + codec + b"\x86R"


def test_bytes_of_all_kinds_are_those_of_stock() -> None:
    """Random bytes of every length, with many, few and no characters of two bytes, come out as they were."""
    chance = random.Random(1)
    for size in range(1, 400):
        for alphabet in (range(256), range(128), range(128, 256), (0, 255), (*range(100), 200)):
            value = bytes(chance.choices(alphabet, k=size))
            data = pickle.dumps(value, 2)
            found = build(data)
            assert found is not None
            assert found[0] == value
            assert made(data) == value


@pytest.mark.parametrize("place", range(70))
def test_what_is_no_text_of_latin1_fails_as_on_stock(place: int) -> None:
    """Bad UTF-8, surrogates and wider characters at every place have stock's result, or its error in its words."""
    for wrong in (
        b"\x80", b"\xbf", b"\xc3", b"\xc2", b"\xc0\x80", b"\xc1\xbf", b"\xc4\x80", b"\xc3\xc3\xbf", b"\xc2\x80\x80",
        b"\xe2\x82\xac", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xff", b"\xc3a", b"\xe0\x83\xbf", b"\xdf\xbf",
        b"\xc7\xbf", b"\xcb\xbf", b"\xd3\xbf", b"\xe3\xbf", b"\xf5\x80", b"\xfe\xbf",
    ):  # fmt: skip
        for before in (b"a" * place, b"\xc3\xbf" * (place // 2) + b"a" * (place % 2)):
            for after in (b"", b"b" * 40):
                alike(b"\x80\x02" + encoded(before + wrong + after) + b".")


@pytest.mark.parametrize(
    "stream",
    [
        ENCODE + text(b"\xc3\xa9" * 40) + b"q\x00" + LATIN1 + b"\x86Rh\x00\x86.",  # the text is got later
        ENCODE + text(b"\xc3\xa9" * 40) + LATIN1 + b"q\x00\x86Rh\x00\x86.",
        ENCODE + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86q\x00Rh\x00\x86.",
        ENCODE + text(b"\xc3\xa9" * 40) + b"q\x05" + LATIN1 + b"q\x01\x86q\x00Rh\x05\x86.",  # in another order
        LATIN1 + b"q\x00" + ENCODE + text(b"\xc3\xa9" * 40) + b"h\x00\x86R\x86.",
        LATIN1 + b"q\x00" + ENCODE + text(b"\xc3\xa9" * 40) + b"j\x00\x00\x00\x00\x86R\x86.",
        text(b"ascii") + b"q\x00" + ENCODE + text(b"\xc3\xa9" * 40) + b"h\x00\x86R\x86.",
        b"K\x01q\x00" + ENCODE + text(b"\xc3\xa9" * 40) + b"h\x00\x86R\x86.",
        ENCODE + text(b"\xc3\xa9" * 40) + text(b"latin-1") + b"\x86R.",
        ENCODE + text(b"\xc3\xa9" * 40) + text(b"utf-8") + b"\x86R.",
        ENCODE + text(b"\xc3\xa9" * 40) + b"\x85R.",
        ENCODE + text(b"\xe2\x82\xac" * 40) + LATIN1 + text(b"replace") + b"\x87R.",
        ENCODE + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86N0R.",
        ENCODE + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86",
        ENCODE + text(b"\xc3\xa9" * 40) + LATIN1,
        ENCODE + text(b"\xc3\xa9" * 40),
        ENCODE + b"(" + text(b"\xc3\xa9" * 40) + LATIN1 + b"tR.",
        b"c_codecs\nlatin_1_encode\n" + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86R.",
        b"N(" + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86R.",
        b"(" + ENCODE + b"0" + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86R.",
        ENCODE + b"(" + text(b"\xc3\xa9" * 40) + LATIN1 + b"\x86R.",  # a mark between
    ],
)
def test_only_what_nothing_else_sees_is_spared(stream: bytes) -> None:
    """Where a text, its codec or their tuple is got, another codec is named, or more is given, all is as on stock."""
    data = b"\x80\x02" + stream
    expected = outcome(stock.loads, data)
    found = build(data)
    assert found is None or ("made", found[0]) == expected
    made_by_us = outcome(made, data)
    assert made_by_us == expected or (made_by_us[0] in (RuntimeError, Left) and expected[0] != "made")


def test_what_is_kept_by_the_memo_is_one_object() -> None:
    """A text that is got twice is the one that the call was given."""
    body = text(b"\xc3\xa9" * 40) + b"q\x00" + LATIN1 + b"\x86R0h\x00h\x00\x86."
    one, other = made(b"\x80\x02" + ENCODE + body)
    assert one is other
    assert one == "\xe9" * 40


def test_another_function_of_that_name_is_called() -> None:
    """What the check of an import gives for `_codecs.encode` is called, whatever it is."""
    calls: list[tuple[object, ...]] = []
    value = "\xe9" * 40

    def mine(*args: object) -> bytes:
        calls.append(args)
        return b"mine"

    data = b"\x80\x02" + encoded(value.encode()) + b"."
    assert made(data, lambda module, name: mine) == b"mine"
    assert calls == [(value, "latin1")]
    assert made(data, lambda module, name: _codecs.decode if name == "x" else find(module, name)) == value.encode(
        "latin1"
    )


def test_no_text_is_made_between() -> None:
    """The bytes of a large value are all that is allocated for it."""
    value = bytes(range(256)) * (MEGABYTE // 256)
    data = pickle.dumps([value, value[1:]], 2)
    for load in (made, lambda data: (build(data) or (None,))[0]):
        tracemalloc.start()
        try:
            result = load(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert result == [value, value[1:]]
        assert peak < 3.3 * MEGABYTE  # the first is written with an entry of the memo that the second gets


CODECS = """
import codecs, encodings, _codecs
VALUE = bytes(range(256))
DATA = pickle.dumps(VALUE, 2)
CALLED = b"\\x80\\x02" + DATA[2:-1] + name("shelf", "make") + b")R\\x86."
seen = []
def encode(text, errors="strict"):
    seen.append((text, errors))
    return b"mine", len(text)
def own(codec):
    seen.append(codec)
    if codec == "latin1":
        return codecs.CodecInfo(encode, None, name="latin1")
"""
OWN_FIRST = "codecs.unregister(encodings.search_function); codecs.register(own)"


@UNREGISTERING
def test_the_codec_of_a_program_is_asked(tmp_path: Any) -> None:
    """A codec that a program has put in the place of Python's is called as by stock, and no more often."""
    for change in (OWN_FIRST, OWN_FIRST + "; codecs.lookup('latin1')"):
        hooked(
            tmp_path,
            CODECS
            + f"""
shelf.make = lambda: None
for data, expected in ((DATA, b"mine"), (CALLED, (b"mine", None))):
    {change}
    for _ in range(3):
        del seen[:]
        assert pickle.loads(data) == expected
        assert seen[-1] == ("".join(map(chr, range(256))), "strict"), seen
        assert len([item for item in seen if item == "latin1"]) <= 1, seen
    codecs.unregister(own); codecs.register(encodings.search_function)
    assert pickle.loads(data) in (VALUE, (VALUE, None))
""",
        )


@UNREGISTERING
def test_a_codec_that_is_not_there_is_missed_as_on_stock(tmp_path: Any) -> None:
    """Without a codec, and with a search that fails, stock's exception comes through."""
    hooked(
        tmp_path,
        CODECS
        + """
shelf.make = lambda: None
codecs.unregister(encodings.search_function)
def failing(codec):
    raise KeyboardInterrupt if stop else ZeroDivisionError(codec)
for search, expected in ((None, LookupError), (failing, ZeroDivisionError), (failing, KeyboardInterrupt)):
    stop = expected is KeyboardInterrupt
    if search:
        codecs.register(search)
    found = []
    for ask in (lambda: _codecs.encode("x", "latin1"), lambda: pickle.loads(DATA), lambda: pickle.loads(CALLED)):
        try:
            ask()
        except expected as error:
            found.append(str(error))
    assert len(found) == 3 and len(set(found)) == 1, found
    if search:
        codecs.unregister(search)
""",
    )


@UNREGISTERING
def test_a_call_in_the_midst_may_change_the_codec(tmp_path: Any) -> None:
    """The codec is looked up at each call: what an earlier call of the pickle has put there counts."""
    hooked(
        tmp_path,
        CODECS
        + f"""
def change():
    {OWN_FIRST}
shelf.make = change
data = b"\\x80\\x02" + DATA[2:-1] + name("shelf", "make") + b")R" + DATA[2:-1].replace(b"q\\x00", b"").replace(
    b"q\\x01", b"").replace(b"q\\x02", b"").replace(b"q\\x03", b"").replace(b"q\\x04", b"") + b"\\x87."
assert pickle.loads(data) == (VALUE, None, b"mine")
""",
    )


WRITTEN = """
import builtins, codecs, encodings, _codecs, types
TEXT = "\\xe9" * 40
CODED = b"c_codecs\\nencode\\nX\\x50\\x00\\x00\\x00" + TEXT.encode() + b"X\\x06\\x00\\x00\\x00latin1\\x86R"
PLAIN, CALLED = b"\\x80\\x02" + CODED + b".", b"\\x80\\x02" + CODED + name("shelf", "make") + b")R\\x86."
shelf.make = lambda: None
def outcome(load):
    try:
        return load()
    except BaseException as error:
        return type(error).__name__
"""
MINE = "import _codecs, codecs, encodings.latin_1\ndef mine(text, codec='strict'):\n    return b'mine'\n"
ANSWERS = """
import _codecs, codecs, encodings.latin_1
def mine(text, errors="strict"):
    return b"mine", len(text)
_codecs.latin_1_encode = mine
codecs.unregister(encodings.search_function)
codecs.register(lambda name: codecs.CodecInfo(mine, None) if name == "latin1" else None)
codecs.register(encodings.search_function)
"""
OF_A_CLASS = """
class Module(types.ModuleType):
    encode = property(lambda self: lambda *given: b"mine")
_codecs.__class__ = Module
"""
OTHER_MODULES = """
held, sys.modules = sys.modules, dict(sys.modules)
held["_codecs"] = types.ModuleType("_codecs")
held["_codecs"].encode = lambda *given: b"mine"
"""
IMPORTER = """
importing = builtins.__import__
def importer(name, *given, **more):
    if name == "_codecs":
        raise ZeroDivisionError
    return importing(name, *given, **more)
builtins.__import__ = importer
"""


@UNREGISTERING
@pytest.mark.parametrize(
    ("before", "change", "expected"),
    [
        (MINE + "_codecs.encode = mine", "", b"mine"),
        (MINE + "mine = 'x'.encode; _codecs.encode = mine", "", "LookupError"),
        (ANSWERS, "", b"mine"),
        ("", OF_A_CLASS, b"mine"),
        ("", OTHER_MODULES, b"mine"),
        ("", IMPORTER, "ZeroDivisionError"),
    ],
)
def test_what_a_program_has_put_there_at_any_time_counts(
    before: str, change: str, expected: object, tmp_path: Path
) -> None:
    """A function, a codec or an importer of the program is called as on stock, also where it was there first."""
    hooked(
        tmp_path,
        f"""{WRITTEN}{change}
expected = {expected!r}
assert outcome(lambda: pickle.Unpickler(io.BytesIO(PLAIN)).load()) == expected
assert outcome(lambda: pickle.loads(PLAIN)) == expected, outcome(lambda: pickle.loads(PLAIN))
assert outcome(lambda: pickle.load(io.BytesIO(PLAIN))) == expected
also = expected if isinstance(expected, str) else (expected, None)
assert outcome(lambda: pickle.loads(CALLED)) == also, outcome(lambda: pickle.loads(CALLED))
""",
        before=before,
    )


@UNREGISTERING
def test_a_codec_is_looked_up_by_a_call_only(tmp_path: Path) -> None:
    """Where stock looks no codec up, since nothing is called or the text is none, no search of a program runs."""
    hooked(
        tmp_path,
        WRITTEN
        + """
def search(name):
    raise KeyboardInterrupt
codecs.lookup("utf-8"), codecs.lookup("ascii")
codecs.unregister(encodings.search_function)
codecs.register(search)
for data, expected in (
    (b"\\x80\\x02c_codecs\\nencode\\n0K\\x05.", 5),
    (PLAIN.replace(TEXT.encode(), b"\\xff" * 80), "MalformedStream"),
    (PLAIN, "KeyboardInterrupt"),
    (CALLED, "KeyboardInterrupt"),
):
    assert outcome(lambda: pickle.loads(data)) == expected, (data, outcome(lambda: pickle.loads(data)))
codecs.unregister(search)
codecs.register(encodings.search_function)
assert pickle.loads(PLAIN) == b"\\xe9" * 40
""",
    )


PUT = ENCODE + b"q\x00" + text(b"abc") + b"q\x01" + LATIN1 + b"q\x02\x86q\x03R."


@pytest.mark.parametrize("data", [PUT, b"]\x94(]\x94(]\x94(]\x94(eeee."])
def test_entries_that_nothing_gets_count(data: bytes) -> None:
    """No more entries are passed than a memo may have."""
    assert build(data, settings=PLAIN.changed(max_memo=4)) is not None
    assert build(data, settings=PLAIN.changed(max_memo=3)) is None
