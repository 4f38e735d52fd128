"""Long byte literals that stay in their file are read when their opcode comes: nothing else of the file counts then."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from tests.attacks import assembly as asm
from tests.attacks.comparison import native
from tests.attacks.requirement import COMPILED
from tests.attacks.test_builder import PLAIN
from tests.attacks.test_calling import find
from tests.attacks.test_quick import hooked

from pickleball_enforce.drivers import quick

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = COMPILED
PRELUDE = """
from pickleball_enforce.drivers import compiled
BIG = bytes(range(256)) * 8192
END = name("shelf", "make") + b"C\\x03end\\x85R\\x86."
def long(data, code=b"B"):
    return code + len(data).to_bytes(4 if code == b"B" else 8, "little") + data
def call(*args):
    return name("shelf", "make") + b"(" + b"".join(args) + b"tR"
path = sys.argv[1] + ".data"
def written(*streams):
    with open(path, "wb") as file:
        file.write(b"".join(streams))
    return path
ways = []
def watch(of, name, way):
    before = getattr(of, name)
    def watched(*args, **options):
        found = before(*args, **options)
        ways.append(way if found is not None else "none")
        return found
    setattr(of, name, watched)
watch(quick, "make", "made")
watch(quick, "load", "quick")
watch(compiled, "Loader", "long")
watch(quick, "_build", "built")
def loaded(file, *expected):
    ways.clear()
    result = pickle.load(file)
    assert [way for way in ways if way != "none"] == list(expected), ways
    return result
QUICK = "made", "quick"
changes = []
def change(event, args):
    if event == "pickle.find_class" and changes:
        changes.pop()()
sys.addaudithook(change)
def rewrite(place, data):
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(data)
class Raw(io.RawIOBase):
    def __init__(self, act=None):
        self.file, self.act = open(path, "rb", buffering=0), act
    def readable(self):
        return True
    def seekable(self):
        return True
    def seek(self, *place):
        return self.file.seek(*place)
    def readinto(self, buffer):
        if self.act and len(buffer) > 1 << 19:
            return self.act()
        return self.file.readinto(memoryview(buffer)[:70_001])
def failing():
    raise OSError("a bad disk")
"""


def run(tmp_path: Path, code: str, called: tuple[str, ...] = ()) -> None:
    """Run code in a hooked process."""
    hooked(tmp_path, PRELUDE + "\n".join(line[8:] for line in code.splitlines()), called=called)


def test_literals_go_into_their_objects_whatever_opens_the_file(tmp_path: Path) -> None:
    """Bytes and bytearrays of calls and of plain data are loaded at once; the file is left behind the pickle."""
    run(
        tmp_path,
        """
        calls, data = [], []
        for code, kind in ((b"B", bytes), (b"\\x8e", bytes), (b"\\x96", bytearray)):
            literal = long(BIG, code)
            calls.append((b"\\x80\\x05" + call(literal, b"\\x94", b"h\\x00", literal) + b"\\x94.", kind))
            data.append((b"\\x80\\x05" + literal + b"\\x94h\\x00" + literal + b"\\x94\\x87.", kind))
        for streams, way in ((calls, QUICK), (data, ("built", "quick"))):
            written(b"before", *(stream for stream, _ in streams), b"after")
            for options in ({}, {"buffering": 0}, {"mode": "r+b"}, {"buffering": 100}):
                with open(path, **{"mode": "rb", **options}) as file:
                    assert file.read(6) == b"before"
                    place = 6
                    for stream, kind in streams:
                        one, same, other = loaded(file, *way)
                        assert type(one) is type(other) is kind and one == other == BIG
                        assert one is same and other is not one
                        place += len(stream)
                        assert file.tell() == place
                    assert file.read() == b"after"
        """,
    )


def test_what_the_file_becomes_is_nothing_but_data(tmp_path: Path) -> None:
    """After the judgement its opcodes, lengths and names are those that were judged, whatever stands there then."""
    run(
        tmp_path,
        """
        bad = b"\\x80\\x04" + name("posix", "system") + b"C\\x04true\\x85R."
        before = b"\\x80\\x04" + name("shelf", "make")
        stream = before + long(BIG) + b"\\x85R" + END
        for place, data in (
            (0, bad[:len(before) + 5]),
            (len(before) + 1, b"\\1\\0\\0\\0"),
            (len(before) + 5 + len(BIG), bad),
            (len(stream) - len(END), bad),
        ):
            with open(written(stream), "rb") as file:
                changes.append(lambda: rewrite(place, data))
                assert loaded(file, *QUICK) == ([BIG], [b"end"])
                assert not changes
                assert file.tell() == len(stream)
        with open(written(stream), "rb") as file:
            changes.append(lambda: rewrite(len(before) + 5, bad))
            assert loaded(file, *QUICK) == ([bad + BIG[len(bad):]], [b"end"])
            assert file.tell() == len(stream)
        """,
    )


def test_a_file_that_becomes_shorter_is_told_as_by_stock(tmp_path: Path) -> None:
    """What is missing of a literal ends the load by stock's error; what was called before has been called."""
    run(
        tmp_path,
        """
        for code in (b"B", b"\\x8e", b"\\x96"):
            stream = b"\\x80\\x05" + call(b"N") + call(long(BIG, code)) + b"\\x86."
            for size in (0, 60, 1 << 20, len(stream) - 10):
                with open(written(stream), "rb") as file:
                    changes.append(lambda: os.truncate(path, size))
                    try:
                        loaded(file)
                    except pickle.UnpicklingError as error:
                        assert str(error) == "pickle data was truncated", error
                    else:
                        raise SystemExit(size)
                    assert file.tell() == len(stream)
        """,
    )


def test_readers_in_python_do_what_they_do_with_stock(tmp_path: Path) -> None:
    """A raw file of the program may give little at once, fail, end, load a pickle itself, or end the program."""
    run(
        tmp_path,
        """
        def nothing():
            return 0
        def not_now():
            return None
        def ending():
            raise KeyboardInterrupt
        def nested():
            assert pickle.loads(b"\\x80\\x04" + name("shelf", "make") + b"K\\x01\\x85R.") == [1]
            assert pickle.loads(b"\\x80\\x04]K\\x01a.") == [1]
            raise OSError("a bad disk")
        def lying():
            return 1 << 40
        for literal in (long(BIG), long(BIG, b"\\x96")):
            called, data = b"\\x80\\x05" + call(literal) + b".", literal + b"\\x85."
            for stream, way in ((called, QUICK), (data, ("built", "quick"))):
                written(stream)
                with io.BufferedReader(Raw()) as file:
                    assert list(loaded(file, *way)) == [BIG]
                    assert file.tell() == len(stream)
                for act, kind in (
                    (nothing, pickle.UnpicklingError), (not_now, pickle.UnpicklingError), (failing, OSError),
                    (ending, KeyboardInterrupt), (nested, OSError), (lying, OSError),
                ):
                    with io.BufferedReader(Raw(act)) as file:
                        try:
                            pickle.load(file)
                        except BaseException as error:
                            assert type(error) is kind, (act, error)
                        else:
                            raise SystemExit(act)
        """,
    )


def test_files_of_other_kinds_take_their_own_way(tmp_path: Path) -> None:
    """Subclasses, files with functions of their own, pipes, frames and memos in another order give the same."""
    run(
        tmp_path,
        """
        stream = b"\\x80\\x05" + call(long(BIG)) + b"."
        class Mine(io.BufferedReader):
            pass
        with Mine(open(written(stream), "rb", buffering=0)) as file:
            assert pickle.load(file) == [BIG]
        with open(path, "rb") as file:
            asked = []
            inner = file.readinto
            file.readinto = lambda buffer: asked.append(len(buffer)) or inner(buffer)
            assert pickle.load(file) == [BIG]
        assert pickle.load(io.BytesIO(stream)) == [BIG]
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            with open(writing, "wb") as file:
                file.write(stream)
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as file:
            assert loaded(file, "long", "made") == [BIG]
        os.waitpid(child, 0)
        framed = call(long(BIG)) + b"."
        for other in (
            b"\\x80\\x05\\x95" + len(framed).to_bytes(8, "little") + framed,
            b"\\x80\\x05" + call(long(BIG), b"q\\x050h\\x05") + b".",
            b"\\x80\\x05" + call(long(BIG), b"r" + (1 << 20).to_bytes(4, "little"), b"\\x940h\\x01") + b".",
            b"\\x80\\x05" + call(long(BIG)) + b"I1\\n0.",
            b"\\x80\\x05" + name("shelf", "Kept") + b")\\x810" + call(long(BIG)) + b".",
        ):
            with open(written(other, stream), "rb") as file:
                assert loaded(file, "long") == [BIG]
                assert file.tell() == len(other)
                assert pickle.load(file) == [BIG]
        """,
    )


def test_refusals_say_the_place_in_the_whole_pickle(tmp_path: Path) -> None:
    """What is refused while the load runs is told as of a pickle in memory: its place counts what stays in the file."""
    run(
        tmp_path,
        """
        def told(load, given):
            shelf.make = first
            ways.clear()
            try:
                load(given)
            except pickle.UnpicklingError as error:
                (found,) = error.violations
                return found.rule, found.name, found.opcode, found.offset, found.sentence, ways[-1:]
            raise SystemExit("it was loaded")
        def replacing(*given):
            import copyreg
            shelf.make = copyreg._reconstructor
            return [*given]
        shared = [[1]]
        for first, stream in (
            (replacing, b"\\x80\\x04" + call(long(BIG)) + call(long(BIG)) + b"\\x86."),
            (lambda *given: shared[0], b"\\x80\\x04" + call(long(BIG)) + b"}\\x8c\\x01xNsb."),
            (lambda *given: shelf, b"\\x80\\x04" + call(long(BIG)) + b"}\\x8c\\x01xNsb."),
        ):
            shelf.make = first
            expected = told(pickle.loads, stream)
            with open(written(stream), "rb") as file:
                assert told(pickle.load, file) == expected, expected
                assert file.tell() == len(stream)
            assert expected[3] > len(BIG) or expected[2] == "STACK_GLOBAL"
        """,
    )


def test_what_runs_meanwhile_finds_the_file_behind_the_pickle(tmp_path: Path) -> None:
    """Another load of the same file gives the next pickle, before a long literal and after it."""
    run(
        tmp_path,
        """
        seen = []
        stream = b"\\x80\\x04" + call(long(BIG)) + call(b"N") + b"\\x86."
        with open(written(stream, b"K\\x01.", b"K\\x02."), "rb") as file:
            changes += [lambda: seen.append(pickle.load(file)), lambda: seen.append(file.tell())]
            pickle.load(file)
            assert seen == [len(stream), 1], seen
            assert pickle.load(file) == 2
        with open(written(stream), "rb") as file:
            changes += [file.close, lambda: None]
            pickle.load(file)
            assert file.closed
        """,
    )


def test_a_refusal_reads_no_holes_of_a_file(tmp_path: Path) -> None:
    """A file that seems to have a terabyte is refused at once: its record has no digest."""
    run(
        tmp_path,
        """
        import os, time
        size = 1 << 40
        head = b"\\x80\\x05\\x8e" + size.to_bytes(8, "little")
        with open(written(head), "r+b") as file:
            os.truncate(path, len(head) + size)
            file.seek(len(head) + size)
            file.write(b".")
        begun = time.process_time()
        with open(path, "rb") as file:
            try:
                pickle.load(file)
            except pickle.UnpicklingError as error:
                assert "long" in str(error), error
            else:
                raise SystemExit("it was loaded")
        assert time.process_time() - begun < 2
        """,
    )


def test_what_is_malformed_before_a_long_literal_is_told_as_of_a_pickle_in_memory(tmp_path: Path) -> None:
    """The error, and in an audit what stock loads, are the same; the next pickle is looked for where stock would."""
    run(
        tmp_path,
        """
        good = call(b"N") + b"."
        for odd in (b"\\x85", b"\\x95\\3\\0\\0\\0\\0\\0\\0\\0N.N", b"N0" + long(BIG) + b"00"):
            stream = b"\\x80\\x05" + odd + long(BIG) + long(BIG) + b"."
            told = []
            for source in (io.BytesIO(stream + good), open(written(stream, good), "rb")):
                with source as file:
                    try:
                        pickle.load(file)
                    except pickle.UnpicklingError as error:
                        told.append((type(error), str(error), file.tell()))
            assert len(told) == 2 and told[0] == told[1], told
        pickleball_enforce.install(sys.argv[1], mode="audit")
        stream = b"\\x80\\x05\\x95\\3\\0\\0\\0\\0\\0\\0\\0N.N" + long(BIG) + b"."
        with open(written(stream), "rb") as file:
            assert pickle.load(file) is None
        """,
    )


def test_what_failed_to_be_read_is_in_no_traceback(tmp_path: Path) -> None:
    """The memory of an object that was given up can neither be read nor written by the frames of the enforcer."""
    run(
        tmp_path,
        """
        for literal in (long(BIG), long(BIG, b"\\x96")):
            for odd in (b"", b"I1\\n0"):
                written(b"\\x80\\x05" + odd + call(literal) + b".")
                with io.BufferedReader(Raw(failing)) as file:
                    try:
                        pickle.load(file)
                    except OSError as error:
                        found = error.__traceback__
                    else:
                        raise SystemExit("it was loaded")
                seen = 0
                while found:
                    frame, found = found.tb_frame, found.tb_next
                    view = frame.f_locals.get("buffer")
                    if isinstance(view, memoryview) and frame.f_code is not Raw.readinto.__code__:
                        seen += 1
                        try:
                            view[0]
                        except ValueError:
                            continue
                        raise SystemExit(f"{frame.f_code} holds it")
                assert seen > 1
        """,
    )


class Source:
    """Reads what was left out of some data, or does what else it is told to."""

    def __init__(self, places: Any, contents: list[bytes], act: Any = None) -> None:
        self.places = places
        self.asked: list[int] = []
        self._contents = contents
        self._act = act

    def readinto(self, number: int, buffer: memoryview) -> Any:
        """Fill a buffer."""
        self.asked.append(number)
        if self._act is not None:
            return self._act(number, buffer)
        buffer[:] = self._contents[number]
        return len(buffer)


def build(data: bytes, source: Any) -> Any:
    """Build plain data."""
    return native.Builder(PLAIN, quick.encodes).build(data, 0, source)


def make(data: bytes, source: Any) -> Any:
    """Make what was judged."""
    return native.Builder(PLAIN, quick.encodes).load(data, 0, len(data), find, source)


THREE, FOUR = b"B\x03\0\0\0", b"\x96\x04\0\0\0\0\0\0\0"
LISTED = asm.call(asm.name("builtins", "list"))
PLACES = [(5, 3), (15, 4)]


def test_each_is_read_once_and_in_turn() -> None:
    """The source is asked for each literal by its number, when its opcode comes."""
    for load, data in ((build, THREE + b"\x94" + FOUR + b"\x86."), (make, THREE + b"\x94" + FOUR + LISTED + b"\x87.")):
        source = Source(PLACES, [b"abc", b"defg"])
        assert load(data, source)[0][:2] == (b"abc", bytearray(b"defg"))
        assert source.asked == [0, 1]


@pytest.mark.parametrize(
    "places",
    [[(5, 3)], [(5, 3), (15, 3)], [(5, 2), (15, 4)], [(15, 4), (5, 3)], [*PLACES, (15, 4)], [(4, 3), (15, 4)], []],
)
def test_other_places_and_lengths_leave_it_alone(places: list[tuple[int, int]]) -> None:
    """Where the gaps are not all literals of the pickle, to the byte, nothing is read and nothing runs."""
    for load, data in ((build, THREE + b"\x94" + FOUR + b"\x86."), (make, THREE + b"\x94" + FOUR + LISTED + b"\x87.")):
        source = Source(places, [b"abc", b"defg", b"hijk"])
        assert load(data, source) is None
        assert not source.asked


@pytest.mark.parametrize("answer", [0, 2, 4, 1 << 62, -1, None, "x"])
def test_a_source_that_gives_another_length_gives_nothing(answer: Any) -> None:
    """An object is there only when all of it was written; what was asked for is given back."""
    for data in (THREE + b".", FOUR[:1] + b"\x03" + FOUR[2:] + b"."):
        source = Source([(len(data) - 1, 3)], [], lambda number, buffer: answer)
        assert build(data, source) is None
        with pytest.raises((pickle.UnpicklingError, OverflowError, TypeError)):
            make(data, source)


def test_lengths_that_no_memory_has_are_refused() -> None:
    """A length beyond what there is fails as in stock, before anything is read."""
    for size in ((1 << 62), (1 << 63) - 1, (1 << 64) - 1):
        for code in (b"\x8e", b"\x96"):
            data = code + size.to_bytes(8, "little") + b"."
            source = Source([(9, size)], [])
            assert build(data, source) is None
            with pytest.raises((MemoryError, OverflowError, pickle.UnpicklingError)):
                make(data, source)
            assert not source.asked


def test_a_source_that_fails_gives_everything_back() -> None:
    """Its exception comes through where the pickle was judged; objects and memory are as before."""
    size = 1 << 16
    data = b"(" + (b"B" + size.to_bytes(4, "little") + b"\x94") * 3 + b"t."
    places = [(6 + 6 * number, size) for number in range(3)]

    def act(number: int, buffer: memoryview) -> int:
        if number == 2:
            raise OSError("a bad disk")
        buffer[:] = bytes(size)
        return size

    def work(times: int) -> int:
        for _ in range(times):
            assert build(data, Source(places, [], act)) is None
            with pytest.raises(OSError, match="a bad disk"):
                make(data, Source(places, [], act))
            assert make(data, Source(places, [bytes(size)] * 3))[0] == (bytes(size),) * 3
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    work(2)
    before = work(1)
    grown = work(20) - before
    tracemalloc.stop()
    assert grown < size, "memory is held"
