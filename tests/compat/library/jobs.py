"""What worker processes are given to do."""

from __future__ import annotations

import os
from typing import Any

import specimens


class Task:
    """An object that no policy lists, and that may travel between the processes of one program."""

    def __init__(self, number: int) -> None:
        self.number = number


def work(task: Task) -> tuple[int, int, Any]:
    """Do a task in a worker, where pickles from elsewhere are refused all the same."""
    import pickle

    specimens.refused(pickle.loads, specimens.bad())
    assert pickle.loads(specimens.good()) == specimens.VALUE
    return task.number * 2, os.getpid(), task
