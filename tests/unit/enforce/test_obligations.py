"""Checks of the objects that imports give, in Python and compiled."""

from __future__ import annotations

import functools
import sys
import types

import pytest

from pickleball_enforce import engine, obligations

KINDS = [obligations.Places, *([engine.native.Places] if engine.native else [])]


@pytest.fixture
def shelf() -> types.ModuleType:
    """A module that is imported."""
    module = types.ModuleType("shelf")
    sys.modules["shelf"] = module
    yield module
    del sys.modules["shelf"]


@pytest.mark.parametrize("kind", KINDS)
def test_places_hold_what_stands_there_now(kind: type, shelf: types.ModuleType) -> None:
    """A name that comes to stand for another object, a module that is replaced: both are seen at the next question."""
    places = kind([("shelf", ["call", "missing"]), ("nowhere", ["call"])])
    assert not places.hold((len,))
    shelf.call = len
    assert places.hold((len,))
    assert places.hold((print, len))
    assert not places.hold((print,))
    assert not places.hold(())
    shelf.call = print
    assert not places.hold((len,))
    sys.modules["shelf"] = types.SimpleNamespace(call=len)
    assert not places.hold((len,))
    sys.modules["shelf"] = shelf


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("common", [None, type, super])
def test_places_never_hold_what_stands_everywhere(kind: type, common: object, shelf: types.ModuleType) -> None:
    """None, type and super call nothing that they are given, whatever name they get."""
    shelf.call = common
    assert not kind([("shelf", ["call"])]).hold((common,))


@pytest.mark.parametrize("kind", KINDS)
def test_places_compare_objects_and_ask_them_nothing(kind: type, shelf: types.ModuleType) -> None:
    """An object that says that it equals everything is only itself."""

    class Same:
        def __eq__(self, other: object) -> bool:
            raise AssertionError(other)

        __hash__ = None  # type: ignore[assignment]

    shelf.call = Same()
    places = kind([("shelf", ["call"])])
    assert not places.hold((functools.partial, Same()))
    assert places.hold((shelf.call,))
