"""Every rule is tested on both verifiers: whatever a test judges, they have to say the same."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from tests.attacks.comparison import Both

from pickleball_enforce import verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def both_verifiers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put both verifiers in the place of the Python one in the test's module."""
    if getattr(request.module, "Verifier", None) is verifier.Verifier:
        monkeypatch.setattr(request.module, "Verifier", Both)


@pytest.fixture
def alarms() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Have a handler called every few moments."""
    before = signal.getsignal(signal.SIGALRM)

    def begin(handle: Callable[[], object]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: handle())
        signal.setitimer(signal.ITIMER_REAL, 5e-5, 7e-5)

    yield begin
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def interrupted(alarms: Callable[[Callable[[], object]], None]) -> Callable[[Callable[[], object]], None]:
    """Repeat a step until the handler of a signal, which comes wherever it likes, raises."""

    def run(step: Callable[[], object]) -> None:
        raised = False

        def interrupt() -> None:
            nonlocal raised
            signal.setitimer(signal.ITIMER_REAL, 0)
            if not raised:  # on a busy machine another signal may have come before the timer was off
                raised = True
                raise TimeoutError

        with pytest.raises(TimeoutError):  # noqa: PT012 - see above
            alarms(interrupt)
            while True:
                step()

    return run
