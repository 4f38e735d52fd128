"""Small tables that several recipes train on."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes, load_iris

ROWS, LABELS = load_iris(return_X_y=True)
SAMPLE = ROWS[::15]
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
PATIENTS, PROGRESS = PATIENTS[:120], PROGRESS[:120]
PATIENT_SAMPLE = PATIENTS[::12]
TEXTS = [
    "the cat sat on the mat", "a dog chased the cat", "birds sing in the morning", "the dog sleeps on the rug",
    "stocks fell on friday", "the bank raised its rates", "investors bought shares", "markets closed higher",
] * 3  # fmt: skip
TOPICS = [0, 0, 0, 0, 1, 1, 1, 1] * 3
RANDOM = np.random.RandomState(0)
