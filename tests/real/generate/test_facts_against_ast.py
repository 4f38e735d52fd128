"""Joern's facts of whole installed packages, compared with CPython's own parser."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pickleball_generate.facts import Environment

SITE = Path(sysconfig.get_paths()["purelib"])


def dotted(node: ast.expr) -> str | None:
    """Write a name or a chain of attributes as facts do; None for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return inner and f"{inner}.{node.attr}"
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a scope with its blocks, without the bodies of functions and classes."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for name in ("body", "orelse", "finalbody"):
                yield from statements(getattr(statement, name, None) or [])
            for inner in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
                yield from statements(inner.body)


def from_ast(body: list[ast.stmt], where: str) -> Iterator[tuple[Any, ...]]:
    """Yield what both sides must agree on: imports, classes with bases, functions with parameters, assigned names."""
    for node in statements(body):
        if isinstance(node, ast.Import):
            yield from (("import", where, alias.name, alias.asname) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                ("from", where, "." * node.level + (node.module or ""), alias.name, alias.asname)
                for alias in node.names
            )
        elif isinstance(node, ast.ClassDef):
            yield (
                "class",
                where,
                node.name,
                node.lineno,
                tuple(filter(None, map(dotted, node.bases))),
                len(node.bases),
            )
            yield from from_ast(node.body, f"{where}.{node.name}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = node.args
            names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
            names += [arguments.vararg.arg] if arguments.vararg else []
            names += [a.arg for a in arguments.kwonlyargs]
            names += [arguments.kwarg.arg] if arguments.kwarg else []
            yield ("function", where, node.name, node.lineno, tuple(names), len(node.decorator_list))
            yield from from_ast(node.body, f"{where}.{node.name}")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if name := dotted(target):
                    yield ("assign", where, name, node.lineno)


def from_facts(scope: dict[str, Any], where: str) -> Iterator[tuple[Any, ...]]:
    """Yield the same from the facts of a scope."""
    for found in scope.get("imports", ()):
        if "import" in found:
            yield ("import", where, found["import"], found.get("as"))
        else:
            yield ("from", where, found["from"], found["name"], found.get("as"))
    for found in scope.get("classes", ()):
        bases = found.get("bases", [])
        yield ("class", where, found["name"], found["line"], tuple(b for b in bases if isinstance(b, str)), len(bases))
        yield from from_facts(found, f"{where}.{found['name']}")
    for found in scope.get("functions", ()):
        names = tuple(p["n"] for p in found.get("params", ()))
        yield ("function", where, found["name"], found["line"], names, len(found.get("decorators", ())))
        yield from from_facts(found, f"{where}.{found['name']}")
    for found in scope.get("assigns", ()):
        if isinstance(found["to"], str) and "op" not in found:
            yield ("assign", where, found["to"], found["line"])


PACKAGES = ["joblib", "lightgbm", "kopf", "jinja2", "narwhals", "pydantic", "tqdm", "urllib3", "sklearn"]


def parsed(file: Path) -> ast.Module:
    """Parse a module; what its authors are warned of is no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(file.read_bytes())


@pytest.mark.parametrize("name", PACKAGES)
def test_facts_agree_with_cpython_over_a_whole_package(name: str, environment_of: Callable[..., Environment]) -> None:
    """Imports, classes, bases, functions, parameters and assigned names are the same, or the line is named as lost."""
    environment = environment_of(SITE)
    package = environment.library.package(name)
    assert package is not None
    environment.prepare(package.modules)
    headers = environment.classes(package)
    compared = 0
    for module, file in package.modules.items():
        facts = environment.module(module)
        assert facts is not None
        lost = {entry["line"] for entry in facts.get("lost", ())} | {entry["line"] for entry in facts.get("errors", ())}
        expected = set(from_ast(parsed(SITE / file).body, module))
        found = set(from_facts(facts, module))
        # CPython unpacks `a, b = x, y` as one target, facts as two assignments.
        differing = {row for row in expected ^ found if row[0] != "assign" or row in expected}
        assert not differing or lost, (file, sorted(differing, key=str)[:5])
        classes = {(row[2], row[3], row[4]) for row in expected if row[0] == "class"}
        scanned = {(title.rpartition(".")[2], line): set(bases) for title, bases, line in headers.get(file, ())}
        assert {(title, line) for title, line, _ in classes} == set(scanned), file
        assert all(set(bases) <= scanned[title, line] for title, line, bases in classes), file
        compared += len(expected)
    assert compared > 100
