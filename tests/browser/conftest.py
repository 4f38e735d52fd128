"""One browser for all tests of a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.browser.driver import Browser, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; without it the tests are skipped, in CI they fail."""
    lacking = missing()
    if lacking:
        reason = f"{' and '.join(lacking)} are not on this machine: tools/host.sh browser installs them as root"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    started = Browser.start()
    yield started
    started.stop()
