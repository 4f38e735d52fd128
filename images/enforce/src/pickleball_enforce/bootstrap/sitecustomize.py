"""Python imports this at its start, from the folder that PYTHONPATH names first: it hooks the process.

It parses on Python 2.7, where it stands aside: PYTHONPATH reaches every interpreter of a container.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = os.path.splitext(os.path.basename(__file__))[0]
_PACKAGE = "pickleball_enforce"


def _hook():  # type: () -> None
    """Hook the process, or end it: Python would go on after an exception."""
    try:
        if not os.path.isdir(os.path.join(_HERE, _PACKAGE)):
            _load_package(os.path.dirname(_HERE))
        from pickleball_enforce import hook

        hook.start()
    except BaseException as error:
        sentence = "pickleball: the hook failed: %s: %s; the process ends\n" % (type(error).__name__, error)
        os.write(2, sentence.encode("utf-8", "replace"))
        os._exit(78)


def _load_package(folder):  # type: (str) -> None
    """Import the package that this folder belongs to, without putting its neighbours on sys.path."""
    import _frozen_importlib
    import _frozen_importlib_external

    if _PACKAGE in sys.modules:
        return
    start = os.path.join(folder, "__init__.py")
    spec = _frozen_importlib_external.spec_from_file_location(_PACKAGE, start, submodule_search_locations=[folder])
    module = _frozen_importlib.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]


def _restore():  # type: () -> None
    """Put back the image's own PYTHONPATH, which the pod's value has replaced; the self-test recorded it."""
    try:
        with open(os.path.join(_HERE, "state", "pythonpath"), "rb") as file:
            recorded = os.fsdecode(file.read())
    except (AttributeError, IOError, OSError):  # os.fsdecode: Python 2
        return
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    known = [_real(entry) for entry in given]
    missing = [entry for entry in recorded.split(os.pathsep) if entry and _real(entry) not in known]
    if not missing:
        return
    os.environ["PYTHONPATH"] = os.pathsep.join(given + missing)
    place = max([place + 1 for place, entry in enumerate(sys.path) if _real(entry) in known] or [0])
    present = [_real(entry) for entry in sys.path]
    sys.path[place:place] = [entry for entry in missing if _real(entry) not in present]


def _real(path):  # type: (str) -> str
    return os.path.realpath(path or ".")


def _chain():  # type: () -> None
    """Run the next file of this name on sys.path: the application's, an agent's or the distribution's."""
    here = _real(_HERE)
    paths = [entry for entry in sys.path if _real(entry) != here]
    if sys.version_info[0] < 3:
        _chain_old(paths)
        return
    import _frozen_importlib

    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(_NAME, paths) if find else None
        if spec is None or spec.loader is None or _real(str(spec.origin)) == _real(__file__):
            continue
        module = _frozen_importlib.module_from_spec(spec)
        sys.modules[_NAME] = module
        spec.loader.exec_module(module)
        return


def _chain_old(paths):  # type: (list[str]) -> None
    import imp

    try:
        found = imp.find_module(_NAME, paths)
    except ImportError:
        return
    imp.load_module(_NAME, *found)  # type: ignore[arg-type]


if sys.version_info >= (3, 9):
    _hook()
_restore()
_chain()
