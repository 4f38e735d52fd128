"""Every rule is tested on both verifiers: whatever a test judges, they have to say the same."""

from __future__ import annotations

import pytest
from tests.attacks.comparison import Both

from pickleball_enforce import verifier


@pytest.fixture(autouse=True)
def both_verifiers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put both verifiers in the place of the Python one in the test's module."""
    if getattr(request.module, "Verifier", None) is verifier.Verifier:
        monkeypatch.setattr(request.module, "Verifier", Both)
