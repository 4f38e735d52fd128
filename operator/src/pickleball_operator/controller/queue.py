"""The queue of model deployments to look at: each at most once at a time, errors with a growing pause."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pickleball_operator.errors import ConflictError, OperatorError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Key = tuple[str, str]
AWAY = 15.0
"""Longest pause in seconds while the API server does not answer: what waited goes on soon after it does."""
LOG = logging.getLogger("pickleball.queue")
CONFLICT_PAUSE, CONFLICTS_PAUSE = 0.1, 5.0
"""Shortest and longest pause after a conflict, which is over as soon as one has looked again."""


@dataclass
class Queue:
    """Calls `work` for every key that was added since its last call began."""

    work: Callable[[Key], Awaitable[object]]
    workers: int
    longest_pause: float
    first_pause: float = 1.0
    _waiting: asyncio.Queue[Key] = field(default_factory=asyncio.Queue)
    _marked: set[Key] = field(default_factory=set)
    _active: set[Key] = field(default_factory=set)
    _failures: dict[Key, int] = field(default_factory=dict)
    _timers: dict[Key, asyncio.TimerHandle] = field(default_factory=dict)

    def add(self, key: Key) -> None:
        """Look at this one soon; several calls before that count as one."""
        if key in self._marked:
            return
        self._marked.add(key)
        if key not in self._active:
            self._waiting.put_nowait(key)

    def __len__(self) -> int:
        """How many wait or are being handled."""
        return len(self._marked | self._active)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._worker())
        finally:
            for timer in self._timers.values():
                timer.cancel()

    async def _worker(self) -> None:
        while True:
            key = await self._waiting.get()
            self._marked.discard(key)
            self._active.add(key)
            try:
                await self._once(key)
            finally:
                self._active.discard(key)
                if key in self._marked:
                    self._waiting.put_nowait(key)

    async def _once(self, key: Key) -> None:
        with contextlib.suppress(KeyError):
            self._timers.pop(key).cancel()
        try:
            await self.work(key)
        except ConflictError as error:
            LOG.info("%s/%s changed meanwhile, it is tried again: %s", *key, error)
            self._later(key, CONFLICTS_PAUSE, CONFLICT_PAUSE)
            return
        except UnavailableError as error:
            LOG.warning("%s/%s waits for the API server: %s", *key, error)
            self._later(key, min(AWAY, self.longest_pause))
            return
        except OperatorError as error:
            LOG.warning("%s/%s failed, it is tried again: %s", *key, error)
        except Exception:
            LOG.exception("%s/%s failed in an unforeseen way, it is tried again", *key)
        else:
            self._failures.pop(key, None)
            return
        self._later(key, self.longest_pause)

    def _later(self, key: Key, longest: float, first: float | None = None) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(longest, (first or self.first_pause) * 2 ** min(failures, 16))
        self._timers[key] = asyncio.get_running_loop().call_later(pause, self.add, key)
