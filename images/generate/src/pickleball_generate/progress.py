"""Progress: a bar on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqdm import tqdm

REPORT_EVERY = 5.0  # seconds between two lines about the same step, where there is no terminal


class Progress:
    """Tells a person, or a log, how far the work is."""

    def __init__(self, stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.clock = clock
        self._bar: tqdm[Any] | None = None
        self._label = ""
        self._last = 0.0

    def __call__(self, label: str, done: int, total: int) -> None:
        """Report that `done` of `total` parts of a step are finished; a total of 0 is one that nobody knows."""
        if self.stream.isatty():
            self._draw(label, done, total)
        elif label != self._label or done == total or self.clock() - self._last >= REPORT_EVERY:
            self._label, self._last = label, self.clock()
            self.log("progress", step=label, done=done, total=total)

    def log(self, event: str, **fields: Any) -> None:
        """Write one event: a JSON line, or a plain one on a terminal."""
        if self.stream.isatty():
            self.close()
            words = " ".join(f"{value}" for value in fields.values())
            self.stream.write(f"{event}: {words}\n")
        else:
            self.stream.write(json.dumps({"event": event, **fields}) + "\n")
        self.stream.flush()

    def close(self) -> None:
        """End the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, label: str, done: int, total: int) -> None:
        if self._bar is None or label != self._label:
            from tqdm import tqdm  # noqa: PLC0415 - a fifth of the start, which only terminals need

            self.close()
            self._label = label
            shown: dict[str, Any] = {"file": self.stream, "leave": False, "dynamic_ncols": True}
            self._bar = tqdm(total=total or None, desc=label, unit="module", **shown)
        self._bar.update(done - self._bar.n)
        if done == total:
            self.close()
