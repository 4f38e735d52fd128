"""The hook of a process: puts the drivers where stock's unpicklers stood, when pickle is first imported.

This module imports nothing but `sys` until then: it runs at the start of every interpreter.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from .policy import Policy

PATCHED = ("pickle", "_pickle")
# What the enforcer imports of the standard library beyond pickle's own, some of it in the middle of a load: it is taken
# from where it was when the process was hooked, whatever stands first on sys.path by then.
_COMPILED = ("_json", "_hashlib", "_sha2", "_sha256", "_interpreters", "_xxsubinterpreters")
_OWN = "pickleball_enforce."
_EXIT = 78  # sysexits: a configuration error


def install(policy: Policy | str | os.PathLike[str] | None = None, mode: str = "enforce") -> None:
    """Hook this process: from now on its pickles are judged before anything in them runs.

    `policy` is a path or a `Policy`; None looks at PICKLEBALL_POLICY, then at /root/policies/policy.json.
    """
    from . import lookup  # noqa: PLC0415 - pickle is imported from here on

    lookup.configure(policy, mode)
    hook()
    _patch()
    lookup.say_start()


def use_policy(path: Policy | str | os.PathLike[str]) -> None:
    """Put another policy in force, for unpicklers that are made from now on (tests)."""
    from . import lookup  # noqa: PLC0415 - pickle is imported from here on

    lookup.configure(path, None)


def start() -> None:
    """Hook this process as it starts; end it when that fails."""
    try:
        report = _reporter()
        hook()
        report()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process must not go on
        exit_now(f"the hook failed: {type(error).__name__}: {error}")


def _reporter() -> Callable[[], None]:
    """Give what tells the witness of the pod, where there is one.

    It is imported before the hook stands: from then on a module of this package imports pickle.
    """
    import os  # noqa: PLC0415 - it is there already

    if not os.environ.get("PICKLEBALL_REPORTS"):
        return lambda: None
    from .environment import mode, policy_path  # noqa: PLC0415 - only where there is a witness
    from .evidence import say_start  # noqa: PLC0415

    return lambda: say_start(mode(os.environ), policy_path(os.environ))


def hook() -> None:
    """Hook this process when it first imports pickle; the environment says the policy and the mode."""
    if not any(type(finder) is _Finder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if "pickle" in sys.modules:
        _patch()


class _Finder:
    """Finds pickle and _pickle as others do, and patches them whenever they are executed: also by reload."""

    def __init__(self) -> None:
        self._path = list(sys.path)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in _COMPILED:
            return _find_compiled(name, self._path)
        if name not in PATCHED:
            return _find_own(name) if name.startswith(_OWN) and "pickle" not in sys.modules else None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find and finder is not self else None
            if spec is not None:
                spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Forget nothing: there is nothing to forget."""


def _find_compiled(name: str, path: Sequence[str]) -> ModuleSpec | None:
    from _frozen_importlib import BuiltinImporter  # noqa: PLC0415 - see the module's docstring
    from _frozen_importlib_external import PathFinder  # noqa: PLC0415

    return BuiltinImporter.find_spec(name) or PathFinder.find_spec(name, path)


def _find_own(name: str) -> ModuleSpec | None:
    """Import pickle before a module of this package does; what patches pickle may import `name` too."""
    import pickle  # noqa: F401, PLC0415 - the finder patches it

    module = sys.modules.get(name)
    if module is None or module.__spec__ is None:
        return None
    spec = type(module.__spec__)(name, _Loaded(module), origin=module.__spec__.origin)  # type: ignore[arg-type]
    spec.submodule_search_locations = module.__spec__.submodule_search_locations
    return spec


class _Loaded:
    """Gives a module that was imported while it was looked for."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - a loader's signature
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: it is there."""


class _Loader:
    """Executes a module with its own loader, then patches it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.__loader__ = self._loader  # what inspect and pkgutil expect there
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        if module.__name__ == "_pickle" and "pickle" in sys.modules:
            pickle = sys.modules["pickle"]
            if not hasattr(pickle, "loads"):
                return  # pickle is being executed and has asked for _pickle: it is patched afterwards
        _patch_or_exit()


def _patch_or_exit() -> None:
    """Patch; end the process when that fails, for it would run unprotected."""
    try:
        _patch()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process must not go on
        exit_now(f"the hook failed: {type(error).__name__}: {error}")


def exit_now(sentence: str) -> None:
    """End the process with one plain line: neither an exception nor SystemExit would end it here."""
    import os  # noqa: PLC0415 - see the module's docstring

    os.write(2, f"pickleball: {sentence}; the process ends, since its pickles would load unchecked\n".encode())
    os._exit(_EXIT)


def _patch() -> None:
    """Put the drivers in the place of stock's unpicklers, in the modules as they are now."""
    import pickle  # noqa: PLC0415 - see the module's docstring

    from .drivers import compiled, interpreted  # noqa: PLC0415

    for name in PATCHED:
        module: Any = sys.modules.get(name, pickle)
        module.Unpickler = compiled.Unpickler
        module.load = compiled.load
        module.loads = compiled.loads
    loaded: Any = sys.modules.get("pickle", pickle)
    loaded._Unpickler = interpreted.Unpickler  # noqa: SLF001 - joblib and pandas derive from it
    _watch()


_watching = False


def _watch() -> None:
    """Add the second line: an audit hook that refuses imports of unpicklers that were taken before the hook."""
    global _watching  # noqa: PLW0603 - an audit hook can never be removed
    if not _watching:
        from .watch import HOOK, PROBE  # noqa: PLC0415 - see the module's docstring

        sys.addaudithook(HOOK)
        sys.audit(PROBE)
        _watching = True
        _say_engine()


def _say_engine() -> None:
    """Tell the witness of the pod which verifier judges in this process."""
    import os  # noqa: PLC0415 - it is there already

    if os.environ.get("PICKLEBALL_REPORTS"):
        from .engine import NAME  # noqa: PLC0415 - the drivers have imported it
        from .evidence import say_engine  # noqa: PLC0415 - only where there is a witness

        say_engine(NAME)
