"""Attributes that statements store something in, by name; `ANY` where the name is computed."""

from __future__ import annotations

from typing import Any

from pickleball_generate.inference.bodytypes import shown

ANY = "*"
BY_NAME = frozenset({"setattr", "__setattr__"})
CHANGING = frozenset({"update", "setdefault", "__setitem__", "__setattr__"})


def assigned(target: object) -> set[str]:
    """Name the attributes of a target, also in a namespace: `self.__dict__[name] = x`."""
    if isinstance(target, str):
        names = target.split(".")[1:]
        return {*names} if names[-1:] == ["__dict__"] else {*names[-1:]}
    if not isinstance(target, dict):
        return set()
    index = target.get("ix")
    if "attr" in target:
        return {target["attr"]}
    if isinstance(index, dict) and "str" in index:
        return {index["str"]}
    if "sub" in target:
        return {ANY} if shown(target["sub"]).endswith("__dict__") else set()
    return {name for part in target.get("tuple") or target.get("list") or () for name in assigned(part)}


def set_by_name(callee: str, args: list[Any]) -> set[str]:
    """Name the attribute that `setattr` or `__setattr__` stores into, whether it is called bound or not."""
    if callee.rpartition(".")[2] not in BY_NAME:
        return set()
    return {arg["str"] for arg in args[:2] if isinstance(arg, dict) and "str" in arg} or {ANY}


def updated(method: str, call: dict[str, Any]) -> set[str]:
    """Name what a method of a namespace stores in it by keywords; `ANY` for something else than a variable's content.

    A variable is the state.
    """
    if method not in CHANGING:
        return set()
    args, names = call.get("args", ()), {*call.get("kw", {})}
    plain = all(isinstance(argument, str) and "." not in argument for argument in args) and "**" not in names
    first = {args[0]["str"]} if args and isinstance(args[0], dict) and "str" in args[0] else set()
    return (names - {"**"}) | first | (set() if plain or first else {ANY})
