"""One controller works at a time, by a Lease."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.emulated.world import SETTINGS

from pickleball_operator.controller import lead
from pickleball_operator.controller.lead import Lead, keep
from pickleball_operator.errors import UnavailableError
from pickleball_operator.kube.memory import Memory

if TYPE_CHECKING:
    from pickleball_operator.kube import Ref
    from pickleball_operator.settings import Settings


class Time:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        """How many have."""
        return self.passed


@pytest.fixture
def time() -> Time:
    """A clock that stands."""
    return Time()


def one(kube: Memory, name: str, time: Time, settings: Settings = SETTINGS) -> Lead:
    """A controller."""
    return Lead(kube, settings, name, lambda: datetime(2026, 1, 1, tzinfo=UTC).replace(second=int(time())), time)


def test_the_second_controller_waits_and_knows_for_whom(time: Time) -> None:
    """Wherever each is installed: both serve all namespaces, so both ask for the same Lease."""
    kube = Memory()
    first, second = one(kube, "first", time), one(kube, "second", time)
    assert first.take()
    assert not second.take()
    assert second.other == "first (Lease kube-system/pickleball-controller)"


def test_it_takes_over_when_nobody_renews(time: Time) -> None:
    """A Lease that stays the same for its lifetime is free; one that is renewed never is."""
    kube = Memory()
    first, second = one(kube, "first", time), one(kube, "second", time)
    assert first.take()
    for _ in range(10):
        time.passed += 4
        assert first.take()
        assert not second.take()
    time.passed += 16
    assert second.take()
    assert not first.take()


def test_it_takes_over_at_once_when_the_first_one_leaves(time: Time) -> None:
    """An upgrade does not wait."""
    kube = Memory()
    first, second = one(kube, "first", time), one(kube, "second", time)
    assert first.take()
    second.release()
    assert not second.take()
    first.release()
    assert second.take()


def test_the_same_pod_goes_on_after_a_crash(time: Time) -> None:
    """A container that is started again has the name of the one before."""
    kube = Memory()
    assert one(kube, "pod-1", time).take()
    assert one(kube, "pod-1", time).take()


def test_those_that_serve_different_namespaces_do_not_wait(time: Time) -> None:
    """One of them in common is enough to wait."""
    kube = Memory()
    red, blue, both = (SETTINGS.model_copy(update={"watch_namespaces": spaces}) for spaces in
                       (("red",), ("blue",), ("blue", "green")))  # fmt: skip
    assert one(kube, "first", time, red).take()
    assert one(kube, "second", time, blue).take()
    third = one(kube, "third", time, both)
    assert not third.take()
    assert third.other == "second (Lease blue/pickleball-controller)"


def test_who_cannot_renew_stops_before_another_begins(monkeypatch: pytest.MonkeyPatch, time: Time) -> None:
    """With an API server that does not answer it works on for a while, then waits, and goes on when it answers."""
    monkeypatch.setattr(lead, "PAUSE", 0.01)
    monkeypatch.setattr(lead, "DEADLINE", 0.2)
    kube = Memory()

    async def check() -> None:
        leading = asyncio.Event()
        task = asyncio.create_task(keep(one(kube, "first", time), leading))
        await asyncio.wait_for(leading.wait(), 5)

        def away(verb: str, ref: Ref) -> None:
            raise UnavailableError(f"{verb} {ref}", "no answer", 0)

        kube.before = away
        await asyncio.sleep(0.1)
        assert leading.is_set()
        async with asyncio.timeout(5):
            while leading.is_set():
                await asyncio.sleep(0.01)
        kube.before = lambda _verb, _ref: None
        await asyncio.wait_for(leading.wait(), 5)
        task.cancel()

    asyncio.run(check())
