"""What some tests cannot do without."""

from __future__ import annotations

import os

import pytest
from tests.attacks.comparison import native

from pickleball_enforce import engine

COMPILED = pytest.mark.skipif(
    native is None and os.environ.get("CI") != "true", reason=f"{engine.REASON}; `make verifier` builds it"
)
"""The compiled verifier; in CI a test fails without it."""
