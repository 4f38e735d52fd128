"""Make a pack: `python -m pickleball_generate.packs.make NAME`, with the Python that has the packages installed.

Builds each object of the recipe, pickles it with every protocol, and asks the enforcer's verifier what the stream
needs.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import io
import json
import pickle
import platform
import sys
import types
import typing
import warnings
from pathlib import Path
from typing import Any

from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier
from pickleball_generate.packs.recipes import RECIPES, Recipe

SCHEMA = 1
NOTHING = Policy(entries={"nothing.Nothing": Entry()})
PROBE = "pickleball_probe"


def pickled(value: object, protocol: int) -> bytes | None:
    """Pickle an object; None where it has no pickle, whatever its type raises then."""
    try:
        return pickle.dumps(value, protocol)
    except Exception:  # noqa: BLE001 - what an arbitrary type raises is its own affair
        return None


class Needs:
    """What streams need, collected: names to reference and names to call."""

    def __init__(self) -> None:
        self.globals: set[str] = set()
        self.reduces: set[str] = set()

    def observe(self, value: object) -> bool:
        """Pickle an object with every protocol; False where no protocol can."""
        done = False
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            data = pickled(value, protocol)
            if data is None:
                continue
            verdict = Verifier(NOTHING, Settings()).verify(data)
            called = {violation.allow[1] for violation in verdict.violations
                      if violation.allow and violation.allow[0] == "reduces"}  # fmt: skip
            self.reduces |= called
            self.globals |= {found.path for found in verdict.imports if not found.helper and found.path not in called}
            done = True
        self.globals -= self.reduces
        return done

    def as_dict(self, without: str = "") -> dict[str, list[str]]:
        """Give the lists, sorted."""
        return {
            "globals": sorted(self.globals - {without}),
            "reduces": sorted(self.reduces - {without}),
        }


def name_of(cls: type) -> str:
    """The name that pickle writes for a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def environment(recipe: Recipe) -> dict[str, Any]:
    """Import the packages of a recipe."""
    found: dict[str, Any] = {}
    for name in (*recipe.packages, *recipe.extra):
        importlib.import_module(name)
        top = name.partition(".")[0]
        found[top] = sys.modules[top]
    return found


def probe(cls: type, value: object) -> dict[str, Any] | None:
    """Say what an instance of a subclass needs: which list the subclass stands in, and what else."""
    module = types.ModuleType(PROBE)
    sys.modules[PROBE] = module
    try:
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            members: Any = {"A": "1" if issubclass(cls, str) else 1}
            made: Any = cls("Probe", members, module=PROBE)  # type: ignore[call-arg]
            module.Probe = made  # type: ignore[attr-defined]
            sample = made.A
        else:
            base: Any = cls
            if cls is typing.Generic:
                base = base[typing.TypeVar("T")]
            made = types.new_class("Probe", (base,), {}, lambda names: names.update(__module__=PROBE))
            if getattr(made, "__abstractmethods__", None):
                made.__abstractmethods__ = frozenset()
            module.Probe = made  # type: ignore[attr-defined]
            sample = rebuilt(made, value)
        needs = Needs()
        if not needs.observe(sample):
            return None
    except Exception:  # noqa: BLE001 - a type that cannot be subclassed or built has no such entry
        return None
    finally:
        del sys.modules[PROBE]
    name = f"{PROBE}.Probe"
    listed = "reduces" if name in needs.reduces else "globals"
    return {"self": listed, **needs.as_dict(name)}


def rebuilt(made: Any, value: object) -> Any:
    """Build an instance of a subclass with the arguments that make the sample."""
    for arguments in ((), (value,), (1,), (1, 1), ("a",), (2020, 1, 1)):
        try:
            return made(*arguments)
        except Exception:  # noqa: BLE001, S112 - the next arguments may fit
            continue
    raise TypeError(made)


def make(name: str) -> dict[str, Any]:
    """Make the content of a pack."""
    recipe = RECIPES[name]
    scope = environment(recipe)
    described: dict[str, Any] = {}
    missing = []
    for expression in recipe.instances:
        try:
            value = eval(expression, dict(scope))  # noqa: S307 - the recipe is ours
        except Exception:  # noqa: BLE001 - of another version; it is named in the pack
            missing.append(expression)
            continue
        cls = type(value)
        needs = Needs()
        if not needs.observe(value):
            missing.append(expression)
            continue
        entry = described.setdefault(name_of(cls), {"instance": {"globals": [], "reduces": []}})
        for kind, names in needs.as_dict().items():
            entry["instance"][kind] = sorted({*entry["instance"][kind], *names})
        derived = probe(cls, value)
        if derived:
            entry["subclass"] = derived
        entry["container"] = issubclass(cls, (list, dict, set, frozenset, tuple)) or hasattr(cls, "append")
    for expression in recipe.subclassed:
        cls = eval(expression, dict(scope))  # noqa: S307 - the recipe is ours
        derived = probe(cls, None)
        if derived:
            described[name_of(cls)] = {"subclass": derived}
    data = Needs()
    for expression in recipe.data:
        data.observe(eval(expression, dict(scope)))  # noqa: S307 - the recipe is ours
    top = recipe.packages[0].partition(".")[0]
    version = platform.python_version() if name == "stdlib" else getattr(sys.modules[top], "__version__", "")
    pack: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name,
        "version": str(version),
        "imports": [] if name == "stdlib" else [top],
        "opaque": sorted(recipe.opaque),
        "functions_opaque": sorted(recipe.functions_opaque),
        "types": dict(sorted(described.items())),
        "aliases": aliases(recipe, described),
        "constants": constants(recipe) if recipe.opaque else [],
        "data": data.as_dict(),
        "missing": missing,
    }
    if recipe.weights_only:
        pack["data"] = merged(pack["data"], weights_only())
    return pack


def aliases(recipe: Recipe, described: dict[str, Any]) -> dict[str, str]:
    """Other names under which the packages offer what the pack describes, and functions with another home."""
    found = {}
    for package in recipe.packages:
        module = sys.modules[package]
        for name in sorted(vars(module)):
            value: Any = getattr(module, name, None)
            if package == "typing" and isinstance(getattr(value, "__origin__", None), type):
                value = value.__origin__
            if isinstance(value, type):
                target = name_of(value)
                if target in described and target != f"{package}.{name}":
                    found[f"{package}.{name}"] = target
            elif callable(value) and not name.startswith("_") and package.partition(".")[0] in recipe.opaque:
                home = referenced(value)
                if home and home != f"{package}.{name}":
                    found[f"{package}.{name}"] = home
    return dict(sorted(found.items()))


def constants(recipe: Recipe) -> list[str]:
    """Names of the packages that are plain values: neither called nor imported from."""
    found = []
    for package in recipe.packages:
        for name, value in vars(sys.modules[package]).items():
            if not callable(value) and not isinstance(value, types.ModuleType) and not name.startswith("_"):
                found.append(f"{package}.{name}")
    return sorted(found)


def referenced(value: object) -> str | None:
    """The name under which a function is pickled by reference."""
    needs = Needs()
    if needs.observe(value) and len(needs.globals) == 1 and not needs.reduces:
        return next(iter(needs.globals))
    return None


def weights_only() -> dict[str, list[str]]:
    """Ask torch which names its weights-only loader allows: classes to reference, functions to call."""
    loader = importlib.import_module("torch._weights_only_unpickler")
    allowed = dict(loader._get_allowed_globals())  # noqa: SLF001 - the only place that has the list
    found: dict[str, list[str]] = {"globals": [], "reduces": []}
    for name, value in allowed.items():
        by_call = isinstance(value, types.FunctionType | types.BuiltinFunctionType) or name in {
            "collections.OrderedDict", "torch.Size", "torch.device", "collections.Counter",
            "torch.nn.parameter.Parameter",
        }  # fmt: skip
        found["reduces" if by_call else "globals"].append(name)
    return {kind: sorted(set(names)) for kind, names in found.items()}


def merged(*parts: dict[str, list[str]]) -> dict[str, list[str]]:
    """Join lists; what may be called need not be listed for reference."""
    reduces = sorted({n for part in parts for n in part["reduces"]})
    return {
        "globals": sorted({n for part in parts for n in part["globals"]} - set(reduces)),
        "reduces": reduces,
    }


def main() -> int:
    """Write the pack beside this file, or where --output says."""
    parser = argparse.ArgumentParser(prog="python -m pickleball_generate.packs.make", description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pack = make(options.name)
    text = io.StringIO()
    json.dump(pack, text, indent=1, sort_keys=True)
    target = options.output / f"{options.name}.json"
    target.write_text(text.getvalue() + "\n")
    print(f"{target}: {len(pack['types'])} types, {len(pack['missing'])} not made, {pack['version']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
