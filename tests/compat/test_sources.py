"""Pickles are read from whatever programs read them from, and the source is left where stock leaves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compat.conftest import Enforced


@pytest.mark.door("`bytes`, `bytearray`, `memoryview`, `array`, `mmap`")
def test_buffers_of_all_kinds_are_loaded(enforced: Enforced) -> None:
    """Loads takes any contiguous buffer; one that can be written to is copied before it is judged."""
    enforced("""
        import array, mmap, pickle
        from specimens import *
        for protocol in range(6):
            data = good(protocol)
            area = mmap.mmap(-1, len(data)); area.write(data)
            for buffer in (data, bytearray(data), memoryview(data), memoryview(bytearray(data)), array.array("B", data),
                           area):
                assert pickle.loads(buffer) == VALUE
                assert pickle.loads(bytes(buffer) + b"trailing") == VALUE
            refused(pickle.loads, bytearray(bad(protocol)))
    """)


@pytest.mark.door("several pickles in one file: plain, gzip, bz2, lzma, unbuffered, `BytesIO`")
def test_several_pickles_in_one_file_are_loaded_one_after_the_other(enforced: Enforced) -> None:
    """The position afterwards is that behind STOP, for every kind of file, then EOFError."""
    enforced("""
        import bz2, gzip, io, lzma, os, pickle, tempfile
        from specimens import *
        for protocol in range(6):
            data = good(protocol)
            with open("three", "wb") as file:
                file.write(data * 3 + b"tail")
            for opener in (gzip, bz2, lzma):
                with opener.open("three." + opener.__name__, "wb") as file:
                    file.write(data * 3 + b"tail")
            openers = [
                lambda: io.BytesIO(data * 3 + b"tail"),
                lambda: open("three", "rb"), lambda: open("three", "rb", buffering=0),
                lambda: open("three", "r+b"), lambda: gzip.open("three.gzip"), lambda: bz2.open("three.bz2"),
                lambda: lzma.open("three.lzma"),
            ]
            for opener in openers:
                with opener() as file:
                    for number in range(1, 4):
                        assert pickle.load(file) == VALUE
                        assert file.tell() == number * len(data), (file, number)
                    assert file.read() == b"tail"
                for kind in (pickle.Unpickler, pickle._Unpickler):
                    with opener() as file:
                        unpickler = kind(file)
                        assert [unpickler.load() for _ in range(3)] == [VALUE] * 3
            empty = io.BytesIO(data)
            pickle.load(empty)
            try:
                pickle.load(empty)
            except EOFError:
                continue
            raise AssertionError
    """)


OPENERS = """
        class Sub(io.BytesIO): pass
        def sources(data):
            with open("some", "wb") as file:
                file.write(data)
            with gzip.open("some.gz", "wb") as file:
                file.write(data)
            yield io.BytesIO(data)
            yield Sub(data)
            yield open("some", "rb")
            yield open("some", "rb", buffering=0)
            yield open("some", "r+b")
            yield gzip.open("some.gz")
"""


@pytest.mark.door("the pickle behind one that is refused, that fails, or that is no pickle")
def test_a_pickle_that_is_not_loaded_is_passed_over(enforced: Enforced) -> None:
    """A program that goes on after an error reads the next pickle: not the same one for ever, and none is left out."""
    enforced(f"""
        import gzip, io, pickle
        from specimens import *
        {OPENERS}
        def fail(*_):
            raise KeyError("setting fails")
        Model.__setstate__ = fail
        for protocol in range(6):
            failing, plain = good(protocol), pickle.dumps([1], protocol)
            for load in (pickle.load, lambda file: pickle.Unpickler(file).load()):
                for wrong, error in ((bad(protocol), pickle.UnpicklingError), (failing, KeyError)):
                    for file in sources(wrong + plain * 2):
                        with file:
                            try:
                                load(file)
                            except error:
                                assert file.tell() == len(wrong), (file, file.tell())
                            else:
                                raise AssertionError(file)
                            assert [load(file), load(file)] == [[1], [1]], file
                for file in sources(b"(]\\xff" + plain):
                    with file:
                        refused(load, file)
                        assert file.tell() == 3, (file, file.tell())
                        assert load(file) == [1], file
            def frame(content, size=None):
                return b"\\x95" + (size or len(content)).to_bytes(8, "little") + content
            for inside in (b"K\\x01\\xffK\\x02.", b"K\\x01\\x8c\\x02\\xff\\xffN.", b"K\\x01aK\\x02N.", b"\\xff"):
                for head in (b"", b"N0", frame(b"K\\x01"), frame(b"N") + b"0"):
                    wrong = b"\\x80\\x04" + head + frame(inside)
                    for file in sources(wrong + plain):
                        with file:
                            refused(load, file)
                            assert file.tell() == len(wrong), (file, file.tell())
                            assert load(file) == [1], file
            for file in sources(b"\\x80\\x04" + frame(b"K\\x01\\xff.", 500) + plain):
                with file:
                    refused(load, file)
                    assert file.read() == b"", file
    """)


@pytest.mark.door("a file that ends inside a pickle")
def test_a_pickle_that_is_cut_is_told_as_stock_tells_it(enforced: Enforced) -> None:
    """Inside an argument or a frame it is an UnpicklingError; behind an opcode, and from then on, EOFError."""
    enforced(f"""
        import gzip, io, pickle
        from specimens import *
        {OPENERS}
        framed = pickle.dumps(list(range(50)), 4)
        cuts = [b"\\x80\\x02K", b"\\x80\\x02J\\0", b"\\x80\\x02X\\x09\\0\\0\\0abc", b"I12", b"ca\\nb"]
        cuts += [framed[:7], framed[:-1]]
        for data in cuts:
            for file in sources(data):
                with file:
                    try:
                        pickle.load(file)
                    except EOFError:
                        raise AssertionError((file, data))
                    except pickle.UnpicklingError:
                        pass
                    assert file.tell() == len(data), file
                    try:
                        pickle.load(file)
                    except EOFError:
                        continue
                    raise AssertionError((file, data))
        for data in (b"", b"\\x80\\x02", b"\\x80\\x02]q\\0"):
            for file in sources(data):
                with file:
                    try:
                        pickle.load(file)
                    except EOFError:
                        continue
                    raise AssertionError((file, data))
        for load in (pickle.load, lambda file: pickle.Unpickler(file).load()):
            beyond = io.BytesIO(b"abc")
            beyond.seek(9)
            try:
                load(beyond)
            except EOFError:
                assert beyond.tell() == 9
            else:
                raise AssertionError
    """)


@pytest.mark.door("objects that read on in the file that they are loaded from")
def test_what_is_loaded_may_read_on_in_its_file(enforced: Enforced) -> None:
    """While a pickle loads, the position of its file is already behind it, as stock leaves it."""
    enforced(f"""
        import gzip, io, pickle
        from specimens import *
        {OPENERS}
        data = pickle.dumps(Model(a=1), 4)
        def more(self, state):
            self.more = pickle.load(current), current.read(4)
        Model.__setstate__ = more
        for load in (pickle.load, lambda file: pickle.Unpickler(file).load()):
            for current in sources(data + pickle.dumps([2], 4) + b"tail" + pickle.dumps([3], 4)):
                with current:
                    assert load(current).more == ([2], b"tail"), current
                    assert load(current) == [3]
    """)


def test_a_file_of_many_pickles_is_read_in_time(enforced: Enforced) -> None:
    """Of a file no more is read for a pickle than a few pieces: not all the pickles that follow."""
    enforced("""
        import pickle, time
        with open("many", "wb") as file:
            for number in range(20_000):
                pickle.dump([number, "x" * 1000], file, 4)
        begun = time.process_time()
        with open("many", "rb") as file:
            for number in range(2000):
                assert pickle.load(file)[0] == number
        assert time.process_time() - begun < 5
    """)


def test_a_file_that_is_read_at_once_gives_one_pickle_after_the_other(enforced: Enforced) -> None:
    """Whatever follows a long pickle is left for the next load; one that is malformed ends as in memory."""
    enforced("""
        import io, pickle
        long = list(range(40_000))
        for protocol in (1, 2, 3, 4):
            data = pickle.dumps(long, protocol)
            assert len(data) > 1 << 16
            content = data * 2 + pickle.dumps([2], 4)
            with open("long", "wb") as file:
                file.write(content)
            for kind in (pickle.load, lambda file: pickle.Unpickler(file).load()):
                with open("long", "rb") as file:
                    assert kind(file) == long and file.tell() == len(data)
                    assert kind(file) == long and file.tell() == 2 * len(data)
                    assert kind(file) == [2] and file.tell() == len(content)
            wrong = data[:70_000] + b"\\xff" * 20 + data[70_020:] + content
            with open("wrong", "wb") as file:
                file.write(wrong)
            told = []
            for file in (io.BytesIO(wrong), open("wrong", "rb")):
                with file:
                    try:
                        pickle.load(file)
                    except pickle.UnpicklingError as error:
                        told.append((type(error), str(error), file.tell()))
            assert len(told) == 2 and told[0] == told[1], told
    """)


def test_a_file_that_is_no_pickle_is_not_read_to_its_end(enforced: Enforced) -> None:
    """A file with holes may be longer than any memory: nothing behind the first wrong byte is read."""
    enforced("""
        import pickle, time
        from specimens import *
        begun = time.process_time()
        for start in (b"", b"\\x80\\x04", b"\\x80\\x04]\\x94"):
            with open("holes", "wb") as file:
                file.write(start)
                file.truncate(1 << 40)
            with open("holes", "rb") as file:
                refused(pickle.load, file)
        assert time.process_time() - begun < 5
    """)


def test_a_reader_may_give_any_buffer_and_more_than_is_asked_for(enforced: Enforced) -> None:
    """Stock goes on in what was left over, for this load; a text is a TypeError."""
    enforced("""
        import array, io, pickle
        from specimens import *
        class Reader:
            def __init__(self, data, kind, more):
                self.file, self.kind, self.more = io.BytesIO(data), kind, more
            def read(self, size):
                return self.kind(self.file.read(size + self.more))
            def readline(self):
                return self.file.readline()
        for protocol in (2, 3, 4, 5):
            plain = pickle.dumps([1, "text", 70000, b"bytes" * 100], protocol)
            for more in (0, 1, 3, 5, 4096):
                for kind in (bytes, bytearray, memoryview, lambda data: array.array("B", data)):
                    assert pickle.load(Reader(plain, kind, more)) == [1, "text", 70000, b"bytes" * 100]
        try:
            pickle.load(Reader(plain, str, 0))
        except TypeError:
            pass
        else:
            raise AssertionError
    """)


def test_a_file_whose_methods_are_replaced_is_read_by_these(enforced: Enforced) -> None:
    """Stock takes what the attributes of a file give, whatever class it has, and any buffer for bytes."""
    enforced("""
        import io, pickle
        from specimens import *
        with open("hidden", "wb") as file:
            file.write(bytes(255 - byte for byte in good()))
        with io.FileIO("hidden") as file:
            read, readline = file.read, file.readline
            file.read = lambda size: bytearray(255 - byte for byte in read(size))
            assert pickle.load(file) == VALUE
    """)


@pytest.mark.door("pipes and sockets")
def test_pipes_and_sockets_are_read_no_further_than_stop(enforced: Enforced) -> None:
    """The other side may wait for an answer before it sends more."""
    enforced("""
        import os, pickle, socket
        from specimens import *
        for protocol in range(6):
            for load in (pickle.load, pickle._load):
                for buffering in (-1, 0):
                    reader, writer = os.pipe()
                    with open(reader, "rb", buffering=buffering) as file:
                        for _ in range(2):
                            os.write(writer, good(protocol))
                            assert load(file) == VALUE
                        os.write(writer, bad(protocol))
                        refused(load, file)
                    os.close(writer)
                ours, theirs = socket.socketpair()
                with ours, theirs, theirs.makefile("rb") as file:
                    for _ in range(2):
                        ours.sendall(good(protocol))
                        assert load(file) == VALUE
    """)


@pytest.mark.door("files and pipes larger than what is kept in memory")
def test_long_literals_stay_in_the_file_or_are_spooled(enforced: Enforced) -> None:
    """Long byte literals of a file are read when they are loaded, those of a pipe go through a temporary file."""
    enforced("""
        import io, os, pickle, threading
        from specimens import *
        value = {"blob": os.urandom(40 << 20), "numbers": list(range(100000)), "rest": VALUE}
        for protocol in (2, 5):
            data = pickle.dumps(value, protocol)
            with open("large", "wb") as file:
                file.write(data + b"tail")
            with open("large", "rb") as file:
                assert pickle.load(file) == value
                assert file.read() == b"tail"
            reader, writer = os.pipe()
            thread = threading.Thread(target=lambda: open(writer, "wb").write(data))
            thread.start()
            with open(reader, "rb") as file:
                assert pickle.load(file) == value
            thread.join()
        poisoned = pickle.dumps([value, Exploit()])
        with open("large", "wb") as file:
            file.write(poisoned)
        with open("large", "rb") as file:
            refused(pickle.load, file)
    """)


def test_what_is_loaded_is_what_was_judged(enforced: Enforced) -> None:
    """A file that is rewritten before it is loaded gives at most other data, a reader that lies is heard once."""
    enforced("""
        import io, pickle
        from specimens import *
        filler = b"B" + (20 << 20).to_bytes(4, "little") + bytes(20 << 20) + b"0"
        clean = b"\\x80\\x02" + filler + good(2)[2:]
        dirty = b"\\x80\\x02" + filler + bad(2)[2:]
        import pickleball_enforce.drivers.tape as tape
        class Swapped(tape.FileTape):
            def replay(self):
                with open("model", "r+b") as file:
                    file.write(dirty)
                return super().replay()
        import pickleball_enforce.drivers.compiled as compiled
        compiled.FileTape = Swapped
        with open("model", "wb") as file:
            file.write(clean)
        with open("model", "rb") as file:
            assert pickle.load(file) == VALUE

        class Liar:
            def __init__(self):
                self.file, self.other = io.BytesIO(clean), io.BytesIO(dirty)
            def read(self, size):
                return self.file.read(size)
            def readline(self):
                return self.file.readline()
            def seek(self, *place):
                self.file = self.other
                return self.file.seek(*place)
            def peek(self, size):
                return dirty
            def seekable(self):
                return True
            def tell(self):
                return 0
        compiled.FileTape = tape.FileTape
        assert pickle.load(Liar()) == VALUE
        class Sly(bytes):
            def __bytes__(self):
                return bad()
            def __getitem__(self, item):
                return bad()[item]
        assert pickle.loads(Sly(good())) == VALUE
        class Reader(Liar):
            def read(self, size):
                return bytearray(self.file.read(size))
        assert pickle.load(Reader()) == VALUE
    """)


@pytest.mark.door("out-of-band buffers of protocol 5")
def test_protocol_5_buffers_are_handed_on(enforced: Enforced) -> None:
    """Out-of-band buffers are the application's data; without them the error is one of stock's kind."""
    enforced("""
        import io, pickle
        from specimens import *
        blob = bytearray(b"abc" * 1000)
        buffers = []
        value = [pickle.PickleBuffer(blob), pickle.PickleBuffer(b"fixed")]
        data = pickle.dumps(value, 5, buffer_callback=buffers.append)
        for load in (pickle.loads, pickle._loads):
            given = [bytes(item) for item in buffers]
            assert [bytes(item) for item in load(data, buffers=given)] == [bytes(blob), b"fixed"]
            assert [bytes(item) for item in load(data, buffers=iter(given))] == [bytes(blob), b"fixed"]
            refused(load, data)
    """)


def test_encoding_and_errors_reach_the_unpickler(enforced: Enforced) -> None:
    """Texts of Python 2 are decoded as the caller says."""
    enforced("""
        import pickle
        from specimens import *
        old = b"(dp0\\nS'k\\\\xe9y'\\np1\\nI1\\ns."
        short = b"\\x80\\x02U\\x02\\xc3\\xa9."
        for loads in (pickle.loads, pickle._loads):
            assert loads(old, encoding="latin1") == {"k\\xe9y": 1}
            assert loads(short, encoding="bytes") == b"\\xc3\\xa9"
            assert loads(short, encoding="utf-8") == "\\xe9"
            assert loads(short, errors="ignore") == ""
            refused(loads, b"c__builtin__\\neval\\n(S'1'\\ntR.")
            refused(loads, b"c__builtin__\\neval\\n(S'1'\\ntR.", fix_imports=False)
    """)


# What cPickle of Python 2.7 writes, by each protocol, for a list of "caf\xe9", u"caf\xe9", "plain", 2**70 and instances
# of an old and a new class of a module `old`, whose attribute "k" is "caf\xe9".
PYTHON_2 = {
    0: (
        b"(lp1\nS'caf\\xe9'\np2\naVcaf\xe9\np3\naS'plain'\np4\naL1180591620717411"
        b"303424L\na(iold\nOld\np5\n(dp6\nS'k'\ng2\nsbaccopy_reg\n_reconstruct"
        b"or\np7\n(cold\nNew\np8\nc__builtin__\nobject\np9\nNtRp10\n(dp11\nS'k'\n"
        b"g2\nsba."
    ),
    1: (
        b"]q\x01(U\x04caf\xe9q\x02X\x05\x00\x00\x00caf\xc3\xa9q\x03U\x05plainq\x04L1180591620717411303424L\n(c"
        b"old\nOld\nq\x05oq\x06}q\x07U\x01kh\x02sbccopy_reg\n_reconstructor\nq\x08(cold\nNew\n"
        b"q\tc__builtin__\nobject\nq\nNtRq\x0b}q\x0cU\x01kh\x02sbe."
    ),
    2: (
        b"\x80\x02]q\x01(U\x04caf\xe9q\x02X\x05\x00\x00\x00caf\xc3\xa9q\x03U\x05plainq\x04\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@(cold\nOld\nq\x05oq"
        b"\x06}q\x07U\x01kh\x02sbcold\nNew\nq\x08)\x81q\t}q\nU\x01kh\x02sbe."
    ),
}


@pytest.mark.door("files of Python 2, with every `encoding` and `errors`")
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_files_of_python_2_load_with_every_encoding(protocol: int, enforced: Enforced, policy: Path) -> None:
    """Byte strings come back as stock gives them, by encoding and by bytes; a wrong encoding is stock's error."""
    policy.write_text(json.dumps({"old.New": {"globals": ["old.New", "old.Old"], "reduces": []}}))
    enforced(f"""
        import io, pickle, sys, types
        from specimens import *
        old = sys.modules["old"] = types.ModuleType("old")
        old.Old, old.New = (type(name, (), dict(__module__="old")) for name in ("Old", "New"))
        data = {PYTHON_2[protocol]!r}
        evil = data[:-1] + b"0c__builtin__\\neval\\n(S'1'\\ntR."
        ways = (pickle.loads, pickle._loads, lambda data, **options: pickle.load(io.BytesIO(data), **options),
                lambda data, **options: pickle.Unpickler(io.BytesIO(data), **options).load(),
                lambda data, **options: pickle._Unpickler(io.BytesIO(data), **options).load())
        def texts(encoding, errors):
            originals = b"caf\\xe9", b"k", b"plain"
            return originals if encoding == "bytes" else [item.decode(encoding, errors) for item in originals]
        encodings = "latin1", "cp1252", "koi8-r", "cp437", "utf-16-le", "utf-8", "ASCII", "bytes"
        combinations = [(name, errors) for name in encodings for errors in ("strict", "ignore", "replace")]
        loaded = 0
        for load in ways:
            refused(load, evil)
            for encoding, errors in combinations:
                options = dict(encoding=encoding, errors=errors)
                refused(load, evil, **options)
                try:
                    text, key, plain = texts(encoding, errors)
                except UnicodeDecodeError:
                    try:
                        load(data, **options)
                    except UnicodeDecodeError:
                        continue
                    raise AssertionError(options)
                result = load(data, **options)
                assert result[:4] == [text, "caf\\xe9", plain, 2**70], (options, result)
                assert [vars(item) for item in result[4:]] == [{{key: text}}] * 2, options
                loaded += 1
        assert loaded == 21 * len(ways), loaded
    """)
