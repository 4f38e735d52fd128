"""Make a pack: `python -m pickleball_generate.packs.make NAME`, with the Python that has the packages installed.

Builds each object of the recipe, pickles it with every protocol, and asks the enforcer's verifier what the stream
needs. `--observe` writes only what was seen, for a later `--older`: what older versions of the packages pickle as is
added to what the installed ones do.
"""

from __future__ import annotations

import argparse
import ast
import copyreg
import importlib
import json
import platform
import sys
import types
import warnings
from pathlib import Path
from typing import Any

from pickleball_generate.packs.keeping import keeps
from pickleball_generate.packs.observation import Needs, name_of, probe
from pickleball_generate.packs.recipes import RECIPES, Recipe
from pickleball_generate.packs.spellings import aliases, constants, lookup, spellings

SCHEMA = 2
FOLDER = Path(__file__).parent


def environment(recipe: Recipe) -> dict[str, Any]:
    """Import the packages of a recipe; older versions lack some of their modules."""
    found: dict[str, Any] = {}
    for name in (*recipe.packages, *recipe.extra):
        top = name.partition(".")[0]
        try:
            importlib.import_module(name)
        except ImportError:
            if name == recipe.packages[0]:
                raise
            continue
        found[top] = sys.modules[top]
    return found


def observe(recipe: Recipe) -> dict[str, Any]:
    """Build what a recipe lists; give for each expression its type and what its pickles need, or None."""
    scope = environment(recipe)
    seen: dict[str, Any] = {}
    for expression in (*recipe.instances, *recipe.data):
        try:
            value = eval(expression, dict(scope))  # noqa: S307 - the recipe is ours
        except Exception:  # noqa: BLE001 - of another version; it is named in the pack
            seen[expression] = None
            continue
        needs = Needs()
        seen[expression] = (
            {"value": value, "type": name_of(type(value)), **needs.as_dict()} if needs.observe(value) else None
        )
    return seen


def make(name: str, older: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make the content of a pack; `older` is what `--observe` wrote with older versions."""
    recipe = RECIPES[name]
    seen = observe(recipe)
    described: dict[str, Any] = {}
    for expression in recipe.instances:
        found = seen[expression]
        if found is None:
            continue
        cls = type(found["value"])
        entry = described.setdefault(found["type"], {"instance": {"globals": [], "reduces": []}})
        for kind in ("globals", "reduces"):
            entry["instance"][kind] = sorted({*entry["instance"][kind], *found[kind]})
        derived = probe(cls, found["value"])
        if derived:
            entry["subclass"] = derived
        entry["keeps"] = sorted({*entry.get("keeps", ()), *keeps(found["value"])})
        if len(found["reduces"]) == 1 and (named := methods(found["value"])):
            entry["methods"] = sorted({*entry.get("methods", ()), *named})
        entry["container"] = issubclass(cls, (list, dict, set, frozenset, tuple)) or hasattr(cls, "append")
    for expression in recipe.subclassed:
        cls = eval(expression, environment(recipe))  # noqa: S307 - the recipe is ours
        derived = probe(cls, None)
        if derived:
            described[name_of(cls)] = {"subclass": derived}
    data = merged(*(seen[expression] for expression in recipe.data if seen[expression]))
    if recipe.weights_only:
        data = merged(data, weights_only())
    top = recipe.packages[0].partition(".")[0]
    spelled = spellings(
        {word for part in (data, *all_needs(described)) for kind in ("globals", "reduces") for word in part[kind]}
    )
    return {
        "schema": SCHEMA,
        "name": name,
        "version": version_of(name),
        "imports": [] if name == "stdlib" else [top],
        "opaque": sorted(recipe.opaque),
        "functions_opaque": sorted(recipe.functions_opaque),
        "types": dict(sorted(described.items())),
        "aliases": aliases(recipe, described),
        "spellings": spelled,
        "older": since(recipe, seen, spelled, older) if older else {},
        "constants": constants(recipe) if recipe.opaque else [],
        "data": data,
        "results": results(recipe, seen, data),
        "missing": [expression for expression in recipe.instances if seen[expression] is None],
        "undescribed": undescribed(recipe, described),
    }


def methods(value: object) -> list[str]:
    """Name the public methods of a value: bound, they pickle as an attribute of what rebuilds it."""
    cls = type(value)
    public = [name for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name, None))]
    return [name for name in public if getattr(getattr(value, name, None), "__self__", None) is value]


def version_of(name: str) -> str:
    """Give the version of what a pack is made from."""
    if name == "stdlib":
        return ".".join(platform.python_version_tuple()[:2])
    top = RECIPES[name].packages[0].partition(".")[0]
    return str(getattr(sys.modules[top], "__version__", ""))


def all_needs(described: dict[str, Any]) -> list[dict[str, list[str]]]:
    """List what all entries need."""
    return [entry[kind] for entry in described.values() for kind in ("instance", "subclass") if kind in entry]


def since(recipe: Recipe, seen: dict[str, Any], spelled: dict[str, list[str]], older: dict[str, Any]) -> dict[str, Any]:
    """Say what older versions wrote for the same expressions, and no other spelling of today's names covers."""
    renamed: dict[str, str] = {}
    needs: dict[str, dict[str, list[str]]] = {}
    data: dict[str, list[str]] = {"globals": [], "reduces": []}
    for expression, before in sorted(older["seen"].items()):
        now = seen.get(expression)
        if before is None or now is None:
            continue
        if before["type"] != now["type"]:
            renamed[before["type"]] = now["type"]
        today = {*now["globals"], *now["reduces"]}
        today |= {other for name in today for other in spelled.get(name, ())}
        more = {kind: sorted({*before[kind]} - today) for kind in ("globals", "reduces")}
        if not (more["globals"] or more["reduces"]):
            continue
        if expression in recipe.instances:
            needs[now["type"]] = merged(needs.get(now["type"], {"globals": [], "reduces": []}), more)
        if expression in recipe.data:
            data = merged(data, more)
    return {"version": older["version"], "renamed": renamed, "needs": needs, "data": data, "seen": older["seen"]}


def results(recipe: Recipe, seen: dict[str, Any], data: dict[str, list[str]]) -> dict[str, list[str]]:
    """Say which functions of the recipe make instances of what types, where these need more than data of the package.

    A function has the name that the recipe uses, and that of its definition.
    """
    found: dict[str, list[str]] = {}
    for expression in recipe.instances:
        called = ast.parse(expression, mode="eval").body
        made = seen[expression]
        if made is None or not isinstance(called, ast.Call):
            continue
        name = ast.unparse(called.func)
        value = lookup(name)
        more = {*made["globals"], *made["reduces"]} - {*data["globals"], *data["reduces"]}
        if callable(value) and not isinstance(value, type) and more:
            home = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
            for known in {name, home if lookup(home) is value else name}:
                found[known] = sorted({*found.get(known, ()), made["type"]})
    return found


def undescribed(recipe: Recipe, described: dict[str, Any]) -> list[str]:
    """List the types of machine code that pickle in a way of their own and that the recipe builds no instance of."""
    tops = {package.partition(".")[0] for package in recipe.packages}
    found = set()
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").partition(".")[0] not in tops:
            continue
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__.partition(".")[0] in tops and reduces_itself(value):
                found.add(name_of(value))
    return sorted(found - set(described))


def reduces_itself(cls: type) -> bool:
    """Tell whether a type without Python source has a reduce method of its own, or a registered one."""
    written_in_python = bool(cls.__flags__ & 1 << 9)  # Py_TPFLAGS_HEAPTYPE
    own = any(getattr(cls, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__"))
    return not written_in_python and not issubclass(cls, BaseException) and (own or cls in copyreg.dispatch_table)


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


def merged(*parts: dict[str, Any]) -> dict[str, list[str]]:
    """Join lists; what may be called need not be listed for reference."""
    reduces = {name for part in parts for name in part["reduces"]}
    names = {name for part in parts for name in part["globals"]} - reduces
    return {"globals": sorted(names), "reduces": sorted(reduces)}


def written(document: dict[str, Any]) -> str:
    """Give the text of a pack's file."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write the pack beside this file, or where --output says."""
    parser = argparse.ArgumentParser(prog="python -m pickleball_generate.packs.make", description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--output", type=Path, help="the file to write (default: the pack of that name)")
    parser.add_argument("--older", type=Path, help="what --observe wrote with older versions of the packages")
    parser.add_argument("--observe", action="store_true", help="write only what was seen")
    options = parser.parse_args()
    target = options.output or FOLDER / f"{options.name}.json"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if options.observe:
            seen = observe(RECIPES[options.name])
            for found in filter(None, seen.values()):
                del found["value"]
            target.write_text(written({"version": version_of(options.name), "seen": seen}))
            return 0
        pack = make(options.name, json.loads(options.older.read_text()) if options.older else None)
    target.write_text(written(pack))
    print(f"{target}: {len(pack['types'])} types of {pack['version']}, not made: {pack['missing']}, "
          f"not described: {pack['undescribed']}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
