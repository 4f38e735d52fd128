"""Fixtures of the operator's tests."""

from tests.emulated.conftest import world

__all__ = ["world"]
