"""What a reader begins with: a clone of this repository, a model, its policy, a program for it, a strange file."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.cluster import models
from tests.documents.page import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"python3.12": f"python{sys.version_info.major}.{sys.version_info.minor}"}
"""What stands in pages, and what it is for the reader of these tests."""
APP = "import joblib\n\nprint(joblib.load('model.joblib').predict([[5.1, 3.5, 1.4, 0.2]]))\n"


def prepare(folder: Path) -> dict[str, str]:
    """Lay all of it into a folder; gives the environment of a shell that finds our commands."""
    for entry in ROOT.iterdir():
        if entry.name not in (".git", ".venv"):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "model.joblib").write_bytes(models.good())
    (folder / "models").mkdir()
    (folder / "models" / "iris.joblib").write_bytes(models.good())
    (folder / "app.py").write_text(APP)
    traced = subprocess.run(
        [f"{sys.prefix}/bin/pickleball", "trace", "model.joblib"], cwd=folder, check=True, stdout=-1
    )
    (folder / "policy.json").write_bytes(traced.stdout)
    (folder / "suspicious.pkl").write_bytes(pickle.dumps(models.Command("id"), 0))
    path = os.pathsep.join([f"{sys.prefix}/bin", os.environ["PATH"]])
    return {"PATH": path, "HOME": os.environ.get("HOME", "/root"), "PYTHONWARNINGS": "default"}
