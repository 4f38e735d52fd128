"""Pickles are read from whatever programs read them from, and the source is left where stock leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.compat.conftest import Enforced


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


def test_large_pickles_are_proven_or_spooled(enforced: Enforced) -> None:
    """Beyond what is kept in memory, a file is read twice and compared, and a pipe goes through a temporary file."""
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


def test_files_that_change_between_the_readings_are_refused(enforced: Enforced) -> None:
    """What is loaded is what was judged, or nothing: a file that is rewritten in between, a reader that lies."""
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
            refused(pickle.load, file)

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
