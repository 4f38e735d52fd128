"""Show the main job without a cluster: infer a policy, load a real model under it, refuse an exploit."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from tests.cluster import models, workload

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "demo"
BIN = Path(sys.executable).parent
CLASS = "sklearn.linear_model.LogisticRegression"

TRAIN = """
import sys
import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=1000).fit(X, y), sys.argv[1])
"""

# The same model with one more object in it: what a file from a stranger can hold.
POISON = """
import os, sys
import joblib
model = joblib.load(sys.argv[1])
class Extra:
    def __reduce__(self):
        return os.system, ("touch " + sys.argv[3],)
model.extra_ = Extra()
joblib.dump(model, sys.argv[2])
"""

PREDICT = """
import sys
import joblib
model = joblib.load(sys.argv[1])
print("prediction:", model.predict([[5.1, 3.5, 1.4, 0.2]]).tolist())
"""


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def run(*command: str | Path, expect: int = 0, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as a user would, show it, and stop when it ends otherwise than expected."""
    words = [str(word) for word in command]
    shown = [os.path.relpath(word) if word.startswith(str(ROOT)) else word for word in words]
    print("$ " + shlex.join(word if "\n" not in word else "..." for word in shown), flush=True)
    done = subprocess.run(words, text=True, check=False, capture_output=True)
    if not quiet:
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
    if done.returncode != expect:
        sys.stderr.write(done.stdout + done.stderr if quiet else "")
        raise SystemExit(f"the command above ended with {done.returncode}, {expect} was expected")
    return done


def grouped(names: list[str]) -> str:
    """Lay names out by top-level package, a line each."""
    packages: dict[str, int] = {}
    for name in names:
        packages[name.partition(".")[0]] = packages.get(name.partition(".")[0], 0) + 1
    return ", ".join(f"{package} {count}" for package, count in sorted(packages.items()))


def laptop() -> None:
    """Show the generator and the enforcer on this machine."""
    policy, model, bad, effect = (
        OUT / name for name in ("policy.json", "model.joblib", "bad.joblib", "the-exploit-ran")
    )

    title("1. A real model, and the same model poisoned")
    run(sys.executable, "-c", TRAIN, model)
    run(sys.executable, "-c", POISON, model, bad, effect)
    run(sys.executable, "-c", PREDICT, bad)
    print(f"Without PickleBall the poisoned model loads, predicts, and its command has run: {effect.exists() = }")
    effect.unlink()

    title(f"2. The policy of {CLASS}, inferred from unmodified sources")
    library = next(path for path in map(Path, sys.path) if (path / "sklearn").is_dir())
    start = time.monotonic()
    run(BIN / "pickleball-generate", "--library-path", library, "--model-class", CLASS, "--policy-path", policy)
    lists = json.loads(policy.read_text())
    for key, entry in lists.items():
        for listed in ("instances", "globals"):
            names = entry.get(listed, [])
            print(f"{key}: {len(names)} {listed} ({grouped(names)})")
        print("  reduces: " + ", ".join(entry["reduces"]))
    print(f"inferred in {time.monotonic() - start:.1f} s; {policy.parent / 'provenance.json'} says why for each entry:")
    name = next(iter(lists.values()))["reduces"][0]
    run(BIN / "pickleball-generate", "--library-path", library, "--model-class", CLASS, "--policy-path", policy,
        "--explain", name)  # fmt: skip

    title("3. The real model loads under it")
    run(BIN / "pickleball", "verify", "--policy", policy, model)
    run(BIN / "pickleball", "run", "--policy", policy, "--", sys.executable, "-c", PREDICT, model)

    title("4. The poisoned one does not")
    run(BIN / "pickleball", "verify", "--policy", policy, bad, expect=1)
    run(BIN / "pickleball", "run", "--policy", policy, "--", sys.executable, "-c", PREDICT, bad, expect=1)
    if effect.exists():
        raise SystemExit("the exploit ran: this must never happen")
    print(f"Nothing of it ran: {effect.exists() = }")


def local() -> None:
    """Show what the operator does with a ModelDeployment, its Job and pod as processes of this machine."""
    files, effects = OUT / "models", OUT / "effects"
    files.mkdir()
    effects.mkdir()
    (files / workload.GOOD).write_bytes(models.good())
    (files / workload.EXPLOIT).write_bytes(models.exploit(f"touch {effects}/ran"))

    for number, (model, expected) in enumerate(((workload.GOOD, 0), (workload.EXPLOIT, 1)), 5):
        title(f"{number}. A ModelDeployment whose application loads {model}, reconciled without a cluster")
        manifest = OUT / f"{Path(model).stem}.yaml"
        deployment = workload.model_deployment("default", "iris", workload.pod_spec(model))
        manifest.write_text(yaml.safe_dump(deployment, sort_keys=False))
        run(BIN / "pickleball-operator", "local", "-f", manifest, "--output", OUT / "local" / manifest.stem,
            "--path", f"/models={files}", "--path", f"/effects={effects}", "--path", f"/srv={ROOT}/tests/cluster/app",
            "--app-command", f"{sys.executable} /srv/serve.py", "--start",
            "--call", "/predict", "--body", json.dumps(models.ROWS), expect=expected)  # fmt: skip
    if any(effects.iterdir()):
        raise SystemExit("the exploit ran: this must never happen")
    print(f"The application predicts without an enforcer: {models.unprotected()}; nothing of the exploit ran.")


def main() -> None:
    """Run the demo from an empty folder."""
    start = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    laptop()
    local()
    print(f"\nThe demo took {time.monotonic() - start:.0f} s; what it made lies in {os.path.relpath(OUT)}.")


if __name__ == "__main__":
    main()
