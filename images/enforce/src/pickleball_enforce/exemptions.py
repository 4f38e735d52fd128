"""Who may load pickles that no policy judges: the channels between the processes of one program.

A load is exempt by the module whose code calls it. That trusts the channel: whoever can write into the pipe of a pool,
a manager's socket or an executor's queue runs code in this process, as without PickleBall.
A stream that is judged gains nothing here: what it calls itself is not exempt.
"""

from __future__ import annotations

import sys

from . import interpreters, sanction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

# The one list of exempt modules, and what they read.
MODULES: dict[str, str] = {
    "multiprocessing.connection": "messages of pools, queues, pipes and managers",
    "multiprocessing.queues": "items of queues",
    "multiprocessing.spawn": "what a parent tells its child at start",
    "multiprocessing.forkserver": "what a parent tells its child at start",
    "concurrent.futures.process": "tasks and results of process pools",
    "concurrent.futures.interpreter": "tasks and results of interpreter pools",
    "concurrent.interpreters": "what one interpreter calls in another, and what comes back",
    "concurrent.interpreters._queues": "items of queues between interpreters",
    "joblib.pool": "tasks and results of joblib's pools",
    "joblib.externals.loky.backend.queues": "tasks and results of loky's processes",
    "joblib.externals.loky.backend.spawn": "what a parent tells its child at start",
    "joblib.externals.loky.backend.popen_loky_posix": "what a parent tells its child at start",
    "joblib.externals.loky.backend.popen_loky_win32": "what a parent tells its child at start",
    "joblib.externals.loky.cloudpickle_wrapper": "functions among loky's tasks",
    "joblib.externals.loky.process_executor": "tasks and results of loky's processes",
    "loky.backend.queues": "tasks and results of loky's processes",
    "loky.backend.spawn": "what a parent tells its child at start",
    "loky.backend.popen_loky_posix": "what a parent tells its child at start",
    "loky.backend.popen_loky_win32": "what a parent tells its child at start",
    "loky.cloudpickle_wrapper": "functions among loky's tasks",
    "loky.process_executor": "tasks and results of loky's processes",
    "numba.core.caching": "machine code that numba keeps on disk: who can write it needs no pickle to run code",
}
# Functions of modules that load other things too.
FUNCTIONS = {
    ("numba.core.serialize", "_numba_unpickle"): "objects that compiled code holds",
    ("numba.core.serialize", "runtime_build_excinfo_struct"): "exceptions that compiled code raises",
}
# Functions of modules that load models too, exempt within an exempt load: they read what a parent wrote for workers.
NESTED = {
    ("joblib.numpy_pickle", "load_temporary_memmap"): "arrays that joblib shares with its workers",
    ("numba.core.serialize", "_unpickle__CustomPickled"): "parts of machine code that numba keeps on disk",
}
NOTED = frozenset({"pickle", "__main__", *MODULES, *(module for module, _ in FUNCTIONS)})
_DEPTH = 4  # how far above a load such a function stands
_INTERPRETERS = 0x030E0000  # from Python 3.14 on interpreters send each other pickles
_OWN = "pickleball_enforce."


def is_caller_exempt() -> bool:
    """Whether the caller of the function that asks may load without being judged."""
    try:
        frame = sys._getframe(2)  # noqa: SLF001 - the caller decides
    except ValueError:  # C calls, with no Python code above
        return _is_between_interpreters()
    name = frame.f_globals.get("__name__")
    if type(name) is str and name not in NOTED and not sanction.is_in_exempt():
        return False  # as nearly always
    return is_exempt(frame)


def _is_between_interpreters() -> bool:
    """Whether this is another interpreter than the main one: there C itself loads what interpreters send each other."""
    return sys.hexversion >= _INTERPRETERS and not interpreters.is_main()


def is_exempt(frame: FrameType | None) -> bool:
    """Whether a load that this frame calls is exempt; frames of pickle itself do not count."""
    if frame is not None and not sanction.is_in_exempt():
        space = frame.f_globals
        name = space.get("__name__")
        if (type(name) is str and name not in NOTED) or (name == "__main__" and space.get("__spec__") is None):
            return False  # as nearly always
    while frame is not None and _module(frame) == "pickle":
        frame = frame.f_back
    if frame is None:
        return False
    if _module(frame) in MODULES or (_module(frame), frame.f_code.co_name) in FUNCTIONS:
        return not _is_called_by_a_stream(frame) or sanction.is_in_exempt()
    above: FrameType | None = frame
    for _ in range(_DEPTH if sanction.is_in_exempt() else 0):
        if above is None:
            return False
        if (_module(above), above.f_code.co_name) in NESTED:
            return True
        above = above.f_back
    return False


def _is_called_by_a_stream(frame: FrameType) -> bool:
    """Whether an unpickler is what calls this function: C code has no frame, so this package stands right above it."""
    above = frame.f_back
    return above is not None and (_module(above) == "pickle" or _module(above).startswith(_OWN))


def _module(frame: FrameType) -> str:
    """Give the module whose code runs, or an empty text where the globals are not those of the module of that name."""
    name = frame.f_globals.get("__name__")
    module = sys.modules.get(name) if type(name) is str else None
    if name == "__main__":  # python -m multiprocessing.spawn
        name = getattr(frame.f_globals.get("__spec__"), "name", "")
    return name if type(name) is str and getattr(module, "__dict__", None) is frame.f_globals else ""
