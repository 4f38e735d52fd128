"""Starts Python in several ways and says, as one line of JSON, what each start does with two pickles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOADS = """
import pickle, sys
def outcome(call, argument):
    try:
        pickle.loads(b"\\x80\\x04c%b\\n%b\\x85R." % (call, argument))
    except pickle.UnpicklingError:
        return "refused"
    return "loaded"
path = sys.argv[1].encode()
good = outcome(b"collections\\nOrderedDict", b"]")
print("good %s, bad %s" % (good, outcome(b"os\\nmkdir", b"\\x8c" + bytes([len(path)]) + path)))
"""


def told(*command: str | Path, **environment: str) -> str:
    """Run the loads in a Python; give what it says, checked against the folder that the bad one makes."""
    with tempfile.TemporaryDirectory() as folder:
        effect = Path(folder, "effect")
        settings = {**os.environ, "PICKLEBALL_VIOLATIONS": os.devnull, **environment}
        done = subprocess.run([*command, "-c", LOADS, effect], env=settings, capture_output=True, text=True, check=True)
        said = done.stdout.strip()
        return said if effect.exists() == said.endswith("bad loaded") else f"{said}, and the folder says otherwise"


def writable() -> list[str]:
    """Find what this user may change of the enforcer; root may change everything."""
    if os.getuid() == 0:
        return []
    places = [Path("/opt/pickleball"), *Path("/opt/pickleball").rglob("*"), Path("/root/policies")]
    return [str(path) for path in places if os.access(path, os.W_OK)]


def main() -> None:
    """Say it."""
    place = Path(tempfile.mkdtemp(), "environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    result = {
        "python": sys.version_info[:3],
        "uid": os.getuid(),
        "writable": writable(),
        "python3": told("python3"),
        "python3 -I": told("python3", "-I"),
        "python3 -E": told("python3", "-E"),
        "virtual environment": told(place / "bin" / "python"),
        "no policy": told("python3", PICKLEBALL_POLICY="/nowhere"),
        "python3 -S": told("python3", "-S"),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
