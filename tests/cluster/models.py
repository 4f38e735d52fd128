"""Model files made by the real library: a good one, and the same with an object that runs a command on load."""

from __future__ import annotations

import io
import os
from typing import Any

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

CLASS = "sklearn.linear_model.LogisticRegression"
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]


class Command:
    """Runs a shell command where its pickle is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what a pickle of this asks for."""
        return os.system, (self.command,)


def trained() -> LogisticRegression:
    """Train a model."""
    samples, labels = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=1000).fit(samples, labels)


def good() -> bytes:
    """Give a model's file."""
    return dumped(trained())


def exploit(command: str) -> bytes:
    """Give the same model's file with one more object in it."""
    model = trained()
    model.extra_ = Command(command)
    return dumped(model)


def dumped(model: Any) -> bytes:
    """Write a model as joblib does."""
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


def unprotected() -> list[int]:
    """Predict without any enforcer, in this process."""
    predictions: list[int] = trained().predict(ROWS).tolist()
    return predictions
