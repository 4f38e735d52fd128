"""The collector is paused while a pickle loads, and is as it was before when the last load has ended."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce.pause import paused

if TYPE_CHECKING:
    from collections.abc import Callable


def fail() -> None:
    """Fail within a load."""
    raise ValueError("inside")


def test_the_collector_is_off_during_a_load_and_on_afterwards() -> None:
    """Also when the load fails, or runs within another."""
    assert paused(gc.isenabled) is False
    assert gc.isenabled()
    with pytest.raises(ValueError, match="inside"):
        paused(fail)
    assert gc.isenabled()
    assert paused(paused, gc.isenabled) is False
    assert gc.isenabled()


def test_a_collector_that_the_program_has_switched_off_stays_off() -> None:
    """Its own gc.disable() outlives the load."""
    gc.disable()
    try:
        paused(list)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_loads_that_overlap_in_threads_leave_it_on() -> None:
    """The first to begin ends first: the collector is on again after the last, not before."""
    begun, ended = threading.Event(), threading.Event()

    def second() -> None:
        begun.set()
        assert ended.wait(20)
        assert not gc.isenabled()

    thread = threading.Thread(target=paused, args=(second,))

    def first() -> None:
        thread.start()
        assert begun.wait(20)

    paused(first)
    assert not gc.isenabled()
    ended.set()
    thread.join(20)
    assert gc.isenabled()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_that_is_forked_while_another_thread_loads_collects_again() -> None:
    """The load of that thread never ends there; one of the forking thread does."""
    loading, done = threading.Event(), threading.Event()

    def wait() -> None:
        loading.set()
        done.wait(10)

    def status_of_child() -> int:
        pid = os.fork()
        if not pid:
            os._exit(0 if paused(gc.isenabled) is False and gc.isenabled() else 1)
        return os.waitpid(pid, 0)[1]

    thread = threading.Thread(target=paused, args=(wait,))
    thread.start()
    assert loading.wait(10)
    try:
        assert status_of_child() == 0
    finally:
        done.set()
        thread.join()
    assert gc.isenabled()


def test_a_signal_that_ends_a_load_leaves_the_collector_on(
    interrupted: Callable[[Callable[[], object]], None],
) -> None:
    """Wherever it comes: before the load, in it, or while the collector is switched."""
    for _ in range(2000):
        interrupted(lambda: paused(list))
        assert gc.isenabled()


def test_the_handler_of_a_signal_may_load(alarms: Callable[[Callable[[], object]], None]) -> None:
    """A load in the middle of a pause, or of its end, neither waits for it nor ends it."""
    counted = []
    alarms(lambda: counted.append(paused(gc.isenabled)))
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert paused(gc.isenabled) is False
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert counted
    assert not any(counted)
    assert gc.isenabled()
