"""Programs of several processes and threads work enforced, and each of their processes is enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pickleball_enforce import engine

if TYPE_CHECKING:
    from tests.compat.conftest import Enforced


@pytest.mark.door("`multiprocessing`: fork, spawn, forkserver, pools, queues, managers")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_by_each_start_method(method: str, enforced: Enforced) -> None:
    """Tasks and results travel unjudged between parent and child; pickles from elsewhere are judged in both."""
    enforced(
        f"""
        import multiprocessing, os
        from jobs import *
        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            with context.Pool(2) as pool:
                results = pool.map(work, [Task(n) for n in range(4)])
            assert [double for double, _, _ in results] == [0, 2, 4, 6]
            assert os.getpid() not in [pid for _, pid, _ in results]
            queue = context.Queue()
            process = context.Process(target=queue.put, args=(Task(7),))
            process.start()
            assert queue.get(timeout=60).number == 7
            process.join()
            if {method!r} == "spawn":
                with context.Manager() as manager:
                    shared = manager.dict(task=Task(8))
                    assert shared["task"].number == 8
        """,
        code_file=True,
        PYTHONWARNINGS="error,ignore::DeprecationWarning",
    )


@pytest.mark.door("`concurrent.futures.ProcessPoolExecutor`")
def test_process_pools_of_concurrent_futures_work(enforced: Enforced) -> None:
    """An executor's workers are enforced, and its tasks are not judged."""
    enforced(
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from jobs import *
        if __name__ == "__main__":
            with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
                assert [double for double, _, _ in pool.map(work, [Task(n) for n in range(4)])] == [0, 2, 4, 6]
        """,
        code_file=True,
    )


@pytest.mark.door("`joblib.Parallel`: loky, multiprocessing, threads")
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblibs_workers_work(backend: str, enforced: Enforced) -> None:
    """Joblib's parallel jobs run enforced, closures and shared arrays included."""
    enforced(
        f"""
        import joblib, numpy
        from jobs import *
        if __name__ == "__main__":
            run = joblib.Parallel(n_jobs=2, backend={backend!r}, max_nbytes=1000)
            assert [double for double, _, _ in run(joblib.delayed(work)(Task(n)) for n in range(4))] == [0, 2, 4, 6]
            big = numpy.arange(10000.0)
            total = lambda array: float(array.sum())
            if {backend!r} != "multiprocessing":
                assert run(joblib.delayed(total)(big) for _ in range(2)) == [big.sum()] * 2
        """,
        code_file=True,
        PYTHONWARNINGS="default",
    )


@pytest.mark.door("children: `os.fork`, `subprocess`, `os.system`, scripts, `-m`")
def test_children_started_as_commands_are_enforced(enforced: Enforced) -> None:
    """subprocess, os.system, -m and a script inherit the enforcer through the environment."""
    enforced("""
        import os, subprocess, sys
        code = "from specimens import *; refused(pickle.loads, bad()); assert pickle.loads(good()) == VALUE"
        subprocess.run([sys.executable, "-c", code], check=True)
        assert os.system(f"{sys.executable} -c '{code}'") == 0
        with open("script.py", "w") as file:
            file.write(code)
        subprocess.run([sys.executable, "script.py"], check=True)
        subprocess.run([sys.executable, "-m", "script"], check=True)
        pid = os.fork()
        if pid == 0:
            from specimens import *
            try:
                refused(pickle.loads, bad())
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    """)


@pytest.mark.door("threads")
def test_threads_load_at_the_same_time(enforced: Enforced) -> None:
    """Each thread's loads are judged on their own."""
    enforced("""
        import io, pickle, sys, threading
        from specimens import *
        sys.setswitchinterval(1e-5)
        data, evil, faults = good(2), bad(2), []
        def work(load):
            try:
                for _ in range(20):
                    assert load(data) == VALUE
                    refused(load, evil)
            except BaseException as error:
                faults.append(error)
        loads = [pickle.loads, pickle._loads] * 4
        threads = [threading.Thread(target=work, args=(load,)) for load in loads]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert not faults, faults
    """)


@pytest.mark.door("`copy.copy`, `copy.deepcopy`")
def test_copies_are_not_loads(enforced: Enforced) -> None:
    """Copy and deepcopy use the reduce protocol without unpickling: no policy applies."""
    enforced("""
        import copy
        from jobs import *
        assert copy.deepcopy([Task(1)])[0].number == 1 and copy.copy(Task(2)).number == 2
    """)


@pytest.mark.door("`concurrent.futures.ThreadPoolExecutor`, `InterpreterPoolExecutor`")
def test_other_pools_of_concurrent_futures_work(enforced: Enforced) -> None:
    """Threads and, where Python has them, interpreters load what the policy allows and nothing else."""
    enforced(
        """
        import concurrent.futures
        from jobs import *
        if __name__ == "__main__":
            for kind in ("ThreadPoolExecutor", "InterpreterPoolExecutor"):
                if hasattr(concurrent.futures, kind):
                    with getattr(concurrent.futures, kind)(2) as pool:
                        tasks = [Task(n) for n in range(4)]
                        assert [double for double, _, _ in pool.map(work, tasks)] == [0, 2, 4, 6]
        """,
        code_file=True,
    )


@pytest.mark.door("asyncio: coroutines, executors, streams")
def test_coroutines_load(enforced: Enforced) -> None:
    """Pickles are judged in coroutines, in executors that they wait for, and as they come through streams."""
    enforced("""
        import asyncio, io, os, pickle, socket
        from specimens import *
        async def one(data):
            await asyncio.sleep(0)
            return pickle.loads(data)
        async def streamed(data):
            ours, theirs = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=ours)
            theirs.sendall(len(data).to_bytes(4, "big") + data)
            try:
                return pickle.loads(await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big")))
            finally:
                theirs.close()
                writer.close()
        async def main():
            loop = asyncio.get_running_loop()
            for load in (one, streamed, lambda data: loop.run_in_executor(None, pickle.loads, data)):
                results = await asyncio.gather(*(load(data) for data in [good(), bad()] * 5), return_exceptions=True)
                assert results[::2] == [VALUE] * 5
                assert all(isinstance(error, pickle.UnpicklingError) for error in results[1::2]), results
            assert not os.path.exists(MARKER)
        asyncio.run(main())
    """)


INTERPRETERS = """
        import sys
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
            run, create = interpreters.exec, lambda isolated: interpreters.create("isolated" if isolated else "legacy")
        else:
            import _xxsubinterpreters as interpreters
            run, create = interpreters.run_string, lambda isolated: interpreters.create(isolated=isolated)
        def each(code, *, first=lambda: None):
            for isolated in (True, False):
                number = create(isolated)
                failure = run(number, code)
                assert failure is None, failure
                first()
                interpreters.destroy(number)
"""


@pytest.mark.door("subinterpreters")
def test_subinterpreters_are_enforced(enforced: Enforced) -> None:
    """Each interpreter of the process hooks its own pickle, and has an audit hook of its own."""
    enforced(
        INTERPRETERS
        + """
        code = '''if True:
            from pickle import Unpickler
            import _pickle, io, pickle, sys
            from specimens import *
            for load in (pickle.loads, pickle._loads, _pickle.loads, lambda data: Unpickler(io.BytesIO(data)).load()):
                assert load(good()) == VALUE
                refused(load, bad())
            refused(lambda: sys.audit("pickle.find_class", "os", "mkdir"))
            with open("done", "a") as file:
                file.write("done ")
        '''
        from specimens import *
        each(code)
        with open("done") as file:
            assert file.read() == "done done "
        refused(pickle.loads, bad())
        assert pickle.loads(good()) == VALUE
    """
    )


@pytest.mark.parametrize("early", [True, False], ids=["before the main one loads", "after the main one has loaded"])
def test_the_compiled_verifier_is_the_main_interpreters(enforced: Enforced, early: bool) -> None:
    """Another interpreter does not try to import it, and says why; the main one has it before and afterwards."""
    done = enforced(
        INTERPRETERS
        + f"""
        early = {early}
        code = '''if True:
            import pickle
            from specimens import *
            assert pickle.loads(good()) == VALUE
            refused(pickle.loads, bad())
            from pickleball_enforce import engine
            assert engine.NAME == "python", engine.NAME
            assert "belongs to the main interpreter" in engine.REASON, engine.REASON
        '''
        def load():
            import pickle, specimens
            assert pickle.loads(specimens.good()) == specimens.VALUE
            specimens.refused(pickle.loads, specimens.bad())
        if not early:
            load()
        each(code, first=load)
        from pickleball_enforce import engine
        print(engine.NAME, engine.REASON)
    """
    )
    assert done.stdout.split()[0] == engine.NAME


def test_subinterpreters_without_a_policy_load_nothing(enforced: Enforced) -> None:
    """No readable policy: every load is refused in every interpreter of the process."""
    enforced(
        INTERPRETERS
        + """
        code = '''if True:
            import pickle
            from specimens import *
            refused(pickle.loads, good())
            refused(pickle.loads, bad())
        '''
        each(code)
        """,
        PICKLEBALL_POLICY="/nowhere/policy.json",
    )


@pytest.mark.door("free-threaded builds (3.13t, 3.14t)")
def test_a_python_without_a_global_lock_is_enforced_by_the_python_verifier(enforced: Enforced) -> None:
    """The compiled module is not tried on such a build, whose objects it does not know."""
    enforced("""
        import sys
        sys.abiflags = "t"
        from specimens import *
        assert pickle.loads(good()) == VALUE
        refused(pickle.loads, bad())
        from pickleball_enforce import engine
        assert (engine.NAME, "global lock" in engine.REASON) == ("python", True), engine.REASON
        assert "pickleball_enforce._verifier" not in sys.modules
    """)
