"""The doors of libraries: each loads what the honest file needs, and refuses an exploit in the same format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.compat.conftest import Enforced

# Libraries warn of much; that our own code warns of nothing is tested elsewhere.
LOUD = {"PYTHONWARNINGS": "default"}


@pytest.mark.door("`numpy.load`: object arrays in npy and npz, plain pickles")
def test_numpy_loads_objects_that_the_policy_allows(enforced: Enforced) -> None:
    """Arrays of objects are judged in both formats; arrays of numbers need no policy, mapped or not."""
    enforced(
        """
        import numpy, os, pickle
        from specimens import *
        good = numpy.array([Model(n=1), [2]], dtype=object)
        bad = numpy.array([Model(n=1), Exploit()], dtype=object)
        numpy.save("good.npy", good, allow_pickle=True)
        numpy.savez("good.npz", a=good, b=numpy.arange(3))
        with open("good.pkl", "wb") as file:
            pickle.dump(good, file)
        numpy.save("bad.npy", bad, allow_pickle=True)
        numpy.savez_compressed("bad.npz", a=bad, b=numpy.arange(3))
        with open("bad.pkl", "wb") as file:
            pickle.dump(bad, file)
        allow("good.npy", "good.npz", "good.pkl")
        assert numpy.load("good.npy", allow_pickle=True).tolist() == good.tolist()
        assert numpy.load("good.npz", allow_pickle=True)["a"].tolist() == good.tolist()
        assert numpy.load("good.pkl", allow_pickle=True).tolist() == good.tolist()
        refused(numpy.load, "bad.npy", allow_pickle=True)
        refused(numpy.load("bad.npz", allow_pickle=True).__getitem__, "a")
        try:
            refused(numpy.load, "bad.pkl", allow_pickle=True)
        except OSError as error:  # numpy before 1.25
            assert "Failed to interpret file" in str(error) and not os.path.exists(MARKER)
        numpy.save("plain.npy", numpy.arange(9.0))
        for mode in (None, "r", "r+", "c"):
            assert numpy.load("plain.npy", mmap_mode=mode).sum() == 36
        """,
        **LOUD,
    )


@pytest.mark.door("`joblib.load`: every compressor, every `mmap_mode`, file objects")
def test_joblib_loads_by_every_compressor_and_memory_map(enforced: Enforced) -> None:
    """Arrays and models come back equal from files and file objects, mapped where asked; exploits never run."""
    enforced(
        """
        import importlib.util, io, joblib, numpy, warnings
        from specimens import *
        warnings.simplefilter("ignore")  # joblib says when it cannot map
        value = {"array": numpy.arange(1000.0), "fortran": numpy.ones((3, 4), order="F"), "model": Model(n=1),
                 "objects": numpy.array([Model(n=2), None], dtype=object)}
        def same(loaded):
            assert (loaded["array"] == value["array"]).all() and (loaded["fortran"] == value["fortran"]).all()
            assert loaded["model"] == value["model"] and loaded["objects"].tolist() == value["objects"].tolist()
            return loaded
        kinds = ["zlib", "gzip", "bz2", "lzma", "xz"] + ["lz4"] * bool(importlib.util.find_spec("lz4"))
        maps_plain_only = tuple(map(int, joblib.__version__.split(".")[:2])) >= (1, 5)  # not compressed ones
        files = {"plain": 0, **{kind: (kind, 3) for kind in kinds}}
        for name, compress in files.items():
            for protocol in (2, 3, 4, 5):
                joblib.dump(value, f"{name}{protocol}.joblib", compress=compress, protocol=protocol)
            joblib.dump([value, Exploit()], f"bad.{name}", compress=compress)
        allow(*(f"{name}{protocol}.joblib" for name in files for protocol in (2, 4)))
        for name in files:
            for protocol in (2, 3, 4, 5):
                path = f"{name}{protocol}.joblib"
                same(joblib.load(path))
                with open(path, "rb") as file:
                    same(joblib.load(file))
                with open(path, "rb") as file:
                    same(joblib.load(io.BytesIO(file.read())))
            for mode in ("r", "r+", "w+", "c") if name == "plain" or maps_plain_only else ():
                loaded = joblib.load(f"{name}4.joblib", mmap_mode=mode)
                same(loaded)
                assert isinstance(loaded["array"], numpy.memmap) == (name == "plain"), (name, mode)
                refused(joblib.load, f"bad.{name}", mmap_mode=mode)
            refused(joblib.load, f"bad.{name}")
        """,
        **LOUD,
    )


@pytest.mark.door("`pandas.read_pickle`")
def test_pandas_reads_frames_by_every_compression(enforced: Enforced) -> None:
    """Frames come back equal; an exploit in an object column is refused."""
    pytest.importorskip("pandas")
    enforced(
        """
        import pandas
        from specimens import *
        frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pandas.Categorical(["u", "v"])})
        bad = pandas.DataFrame({"a": pandas.Series([1, Exploit()], dtype=object)})
        suffixes = ("", ".gz", ".bz2", ".zip", ".xz", ".tar")
        for suffix in suffixes:
            frame.to_pickle(f"good.pkl{suffix}")
            bad.to_pickle(f"bad.pkl{suffix}")
        allow("good.pkl", "good.pkl.gz")
        for suffix in suffixes:
            assert pandas.read_pickle(f"good.pkl{suffix}").equals(frame)
            refused(pandas.read_pickle, f"bad.pkl{suffix}")
        """,
        **LOUD,
    )


@pytest.mark.door("`pandas.read_pickle` of an older pandas, through its compatibility unpickler")
def test_pandas_reads_what_an_older_pandas_wrote(enforced: Enforced) -> None:
    """Names that have moved are looked up where they are now; the policy needs all spellings, and an exploit fails."""
    pandas = pytest.importorskip("pandas")
    if tuple(map(int, pandas.__version__.split(".")[:1])) < (2,):
        pytest.skip("pandas before 2 has another map of moved names")
    enforced(
        """
        import pandas, pickle
        from specimens import *
        frame = pandas.DataFrame({"a": [1, 2]}, index=pandas.Index([10, 20]))
        moved = pickle.dumps(frame, 2).replace(
            b"cpandas\\nIndex\\n", b"cpandas.core.indexes.numeric\\nInt64Index\\n")
        assert b"Int64Index" in moved
        evil = pickle.dumps([frame, Exploit()], 2).replace(
            b"cpandas\\nIndex\\n", b"cpandas.core.indexes.numeric\\nInt64Index\\n")
        for name, data in (("new.pkl", pickle.dumps(frame, 2)), ("old.pkl", moved), ("bad.pkl", evil)):
            with open(name, "wb") as file:
                file.write(data)
        allow("new.pkl", "old.pkl", more=("pandas.core.indexes.base.Index",))
        assert pandas.read_pickle("old.pkl").equals(frame)
        refused(pandas.read_pickle, "bad.pkl")
        from pandas.compat import pickle_compat
        with open("old.pkl", "rb") as file:
            assert pickle_compat.Unpickler(file).load().equals(frame)
        with open("bad.pkl", "rb") as file:
            refused(pickle_compat.Unpickler(file).load)
        """,
        **LOUD,
    )


@pytest.mark.door("`dill.load`, `dill.loads`")
@pytest.mark.door("`cloudpickle.load`, `cloudpickle.loads`")
@pytest.mark.parametrize("name", ["dill", "cloudpickle"])
def test_dill_and_cloudpickle_load_by_reference(name: str, enforced: Enforced) -> None:
    """What stands in modules loads; code that is rebuilt from the file is refused by name."""
    enforced(
        f"""
        import io
        import {name} as library
        from specimens import *
        data = library.dumps(VALUE)
        assert library.loads(data) == VALUE and library.load(io.BytesIO(data)) == VALUE
        for evil in ([Exploit()], lambda: 1):
            evil = library.dumps(evil)
            refused(library.loads, evil)
            refused(library.load, io.BytesIO(evil))
        try:
            library.loads(library.dumps(lambda: 1))
        except pickle.UnpicklingError as error:
            assert "rebuilds code" in str(error) or "function" in str(error), error
        """,
        **LOUD,
    )


@pytest.mark.door("loky")
def test_loky_works(enforced: Enforced) -> None:
    """Its executor's tasks and results, closures among them, are not judged; its workers are enforced."""
    pytest.importorskip("loky")
    enforced(
        """
        import loky
        from jobs import *
        if __name__ == "__main__":
            with loky.ProcessPoolExecutor(2) as pool:
                assert [double for double, _, _ in pool.map(work, [Task(n) for n in range(4)])] == [0, 2, 4, 6]
                factor = 3
                assert list(pool.map(lambda n: n * factor, range(3))) == [0, 3, 6]
        """,
        code_file=True,
        **LOUD,
    )


@pytest.mark.door("numba's cache on disk")
def test_numbas_cache_works_and_opens_no_door(enforced: Enforced) -> None:
    """Compiled code is read from the cache, its exceptions are raised; a stream that calls numba's own loader fails."""
    pytest.importorskip("numba")
    program = """
        import numba, pickle
        from specimens import *
        @numba.njit(cache=True)
        def raised(x):
            if x > 1:
                raise ValueError("too large", x)
            return x + 1
        assert raised(1) == 2
        try:
            raised(3)
        except ValueError as error:
            assert error.args == ("too large", 3)
        from numba.core import serialize
        class Nested:
            def __init__(self, function, *arguments):
                self.reduced = function, arguments
            def __reduce__(self):
                return self.reduced
        from pickleball_enforce import use_policy
        from pickleball_enforce.policy import Entry, Policy
        names = "_numba_unpickle", "_unpickle__CustomPickled", "runtime_build_excinfo_struct"
        use_policy(Policy({"a.B": Entry((), tuple("numba.core.serialize." + name for name in names))}))
        arguments = (1, bad(), b"hash"), (bad(),), (bad(), ())
        for name, given in zip(names, arguments):
            for loads in (pickle.loads, pickle._loads):
                refused(loads, pickle.dumps(Nested(getattr(serialize, name), *given)))
        print(sum(raised.stats.cache_hits.values()))
    """
    assert [enforced(program, code_file=True, **LOUD).stdout for _ in range(2)] == ["0\n", "1\n"]
