"""The watch over all containers of a pod: reads reports, logs what is new, keeps the files small."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TextIO

from pickleball_enforce.evidence import LIMIT, STARTS, VIOLATIONS

from .account import Account
from .tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .account import Expected
    from .exposition import Policy

SHRINK = LIMIT // 4
READY = "ready"
REPEATED = 10
"""Violations after which the log says again how the containers stand."""
SILENT_AFTER, SILENT_AGAIN = 30.0, 300.0
_WORLD = 0o777


class Watch:
    """Looks at the reports of each container; `containers` gives the folder of each one's name."""

    def __init__(
        self,
        folder: str,
        containers: Mapping[str, str],
        policy: Policy,
        expected: Expected,
        out: TextIO,
        clock: Callable[[], float],
    ) -> None:
        self.policy = policy
        self._folder = folder
        self._tails = [
            (Account(name, expected), Tail(f"{folder}/{place}/{STARTS}"), Tail(f"{folder}/{place}/{VIOLATIONS}"))
            for name, place in containers.items()
        ]
        self.accounts = [account for account, _, _ in self._tails]
        self._out = out
        self._clock = clock
        self._begun = clock()
        self._told = self._begun + SILENT_AFTER - SILENT_AGAIN
        self._violations = 0
        self._lock = threading.Lock()

    def prepare(self, places: Mapping[str, str]) -> None:
        """Make the folders and files before the containers begin."""
        for place in places.values():
            path = f"{self._folder}/{place}"
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 - paths are texts here
            if os.stat(path).st_uid == os.geteuid():  # noqa: PTH116
                os.chmod(path, _WORLD)  # noqa: PTH101 - the containers' users are others
        for _, starts, violations in self._tails:
            starts.prepare()
            violations.prepare()
        self._log({"event": "begun", "level": "info", "sentence": f"The witness watches {', '.join(places)}."})

    def look(self) -> None:
        """Take what came since the last look."""
        with self._lock:
            for account, starts, violations in self._tails:
                for line in starts.lines():
                    self._log(account.take_start(line), account)
                for line in violations.lines():
                    self._violation(account, line)
                _shrink(starts, account.kept)
                _shrink(violations, ())
            self._remind()
            self._mark()

    @property
    def ready(self) -> bool:
        """Whether every container's own interpreter has reported, as expected."""
        return all(account.enforced for account in self.accounts)

    def _violation(self, account: Account, line: str) -> None:
        """Log a violation; now and then how the container stands, so that violations do not push it out of sight."""
        event = account.take_violation(line)
        if event is None:
            return
        self._log(event, account)
        self._violations += 1
        if self._violations % REPEATED == 0:
            for one in self.accounts:
                self._log(one.standing(), one)

    def _remind(self) -> None:
        """Say now and then which containers are not enforced, for whoever reads only the end of the log."""
        now = self._clock()
        if self.ready or now - self._told < SILENT_AGAIN:
            return
        self._told = now
        for account in self.accounts:
            if not account.enforced:
                self._log(account.standing(), account)

    def _mark(self) -> None:
        """Keep a file for probes that cannot reach the port."""
        path = f"{self._folder}/{READY}"
        if self.ready:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        elif os.path.exists(path):  # noqa: PTH110
            os.unlink(path)  # noqa: PTH108

    def _log(self, event: dict[str, Any] | None, account: Account | None = None) -> None:
        if event is None:
            return
        now = datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 - 3.9
        head = {"time": now, "policy_name": self.policy.name}
        if account is not None:
            head["container"] = account.container
        self._out.write(json.dumps({**event, **head}) + "\n")
        self._out.flush()


def _shrink(tail: Tail, kept: Iterable[str]) -> None:
    if tail.size() <= SHRINK:
        return
    try:
        tail.shrink(kept)
    except OSError:
        return  # the container has put something else there: its reports end at their limit
