"""What a site-packages folder adds to itself: editable installs, eggs. Found in its files; nothing is run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTED = re.compile(r"import[ \t]+(\w+)")


@dataclass
class Additions:
    """Folders of packages, packages by name with the folder that holds each, and what could not be followed."""

    folders: list[Path] = field(default_factory=list)
    packages: dict[str, Path] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def additions(path: Path) -> Additions:
    """Read the `.pth`, `.egg-link` and `.egg` entries of a folder, and the finders of editable installs."""
    found = Additions()
    for entry in sorted(path.glob("*.pth")):
        for line in _lines(entry):
            if imported := IMPORTED.match(line):
                _finder(path / f"{imported[1]}.py", entry, found)
            else:
                _folder(path / line, entry, found)
    for entry in sorted(path.glob("*.egg-link")):
        for line in _lines(entry)[:1]:
            _folder(path / line, entry, found)
    for entry in sorted(path.glob("*.egg")):
        _folder(entry, entry, found)
    found.folders = list(dict.fromkeys(found.folders))
    found.unread = list(dict.fromkeys(found.unread))
    return found


def _lines(file: Path) -> list[str]:
    lines = map(str.strip, file.read_text(errors="replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _folder(target: Path, entry: Path, found: Additions) -> None:
    """Take a folder that is added; a file there is a zipped egg."""
    if target.is_dir():
        if not any(child.suffix == ".py" or child.is_dir() for child in target.iterdir()):
            return
        found.folders.append(target.resolve())
    elif target.is_file():
        found.unread.append(f"{target}: a zipped egg; unpack it and name its folder with --library-path")
    elif entry.suffix == ".egg-link":
        found.unread.append(f"{entry}: leads to {target}, which is not there")


def _finder(program: Path, entry: Path, found: Additions) -> None:
    """Take the packages that an editable install's finder maps to folders elsewhere."""
    if not program.is_file():
        return
    mapped = dict(_mapped(program))
    if not mapped and "editable" in program.name:
        found.unread.append(f"{entry}: an editable install whose folder is not known; name it with --library-path")
    for name, target in mapped.items():
        place = Path(target)
        place = place.parent if place.name == "__init__.py" else place
        if "." in name:
            continue  # it lies below a package that is mapped too, or in a namespace package
        if (place.is_dir() and place.name == name) or (place.with_suffix(".py").is_file() and place.stem == name):
            found.packages[name] = place.parent
        else:
            found.unread.append(f"{entry}: {name} is installed from {place}, which is no folder of that name")


def _mapped(program: Path) -> Iterator[tuple[str, str]]:
    """Read `MAPPING = {name: folder}` (setuptools) and `map_module(name, folder)` (editables) in a finder."""
    try:
        tree = ast.parse(program.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "MAPPING" for target in targets):
                value = node.value
                if isinstance(value, ast.Dict):
                    for key, item in zip(value.keys, value.values, strict=True):
                        yield from _pair(key, item)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "map_module":
            yield from _pair(*node.args[:2]) if len(node.args) > 1 else ()


def _pair(key: ast.expr | None, value: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
        yield str(key.value), str(value.value)
