"""The commands install, selftest and run do what a pod and a person need of them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compat.conftest import LIBRARY

from pickleball_enforce.install import install_target

COMMAND = [sys.executable, "-m", "pickleball_enforce"]


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a pickleball command."""
    settings = {**os.environ, **environment}
    settings.pop("PICKLEBALL_POLICY", None)
    return subprocess.run(
        [*COMMAND, *arguments], env=settings, capture_output=True, text=True, check=False, timeout=120
    )


def test_install_makes_a_folder_that_every_user_can_read(tmp_path: Path) -> None:
    """Whatever the umask; only the state, and the places of compiled modules, may be written by others."""
    target = tmp_path / "deep" / "pickleball"
    before = os.umask(0o077)
    try:
        done = command("install", "--target", target)
        again = command("install", "--target", target)
    finally:
        os.umask(before)
    assert (done.returncode, again.returncode) == (0, 0), done.stderr + again.stderr
    assert {path.name for path in target.iterdir()} == {
        "pickleball_enforce", "sitecustomize.py", "usercustomize.py", "selftest.py", "state", "__pycache__",
    }  # fmt: skip
    for path in target.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        expected = {0o777} if path.name in ("state", "__pycache__") else {0o755} if path.is_dir() else {0o644}
        assert mode in expected, (path, oct(mode))


def test_install_says_what_is_wrong_with_the_folder(tmp_path: Path) -> None:
    """A folder that cannot be made gives one plain line and exit code 2."""
    (tmp_path / "file").write_text("")
    done = command("install", "--target", tmp_path / "file" / "pickleball")
    assert done.returncode == 2
    assert done.stderr.startswith("pickleball: ")
    assert done.stderr.count("\n") == 1


def test_the_pods_self_test_passes_where_the_enforcer_works(enforcer: Path, tmp_path: Path) -> None:
    """It runs without our PYTHONPATH, records the image's, compiles the enforcer and says so in one line of JSON."""
    target = tmp_path / "pickleball"
    shutil.copytree(enforcer, target)
    own = "/image/one:/image/two"
    done = subprocess.run(
        [sys.executable, target / "selftest.py", "--target", target],
        env={**os.environ, "PYTHONPATH": own, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["selftest"] == "passed"
    assert (target / "state" / "pythonpath").read_text() == own
    code = """if True:
        import sys, os, pickle
        from pickleball_enforce import verifier
        for name in ("sitecustomize", *(name for name in sys.modules if name.startswith("pickleball_enforce"))):
            print(name, sys.modules[name].__spec__.cached)
    """
    hooked = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1", },
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    cached = dict(line.split() for line in hooked.stdout.splitlines())
    assert {"sitecustomize", "pickleball_enforce.hook", "pickleball_enforce.drivers.compiled"} <= cached.keys()
    assert not [path for path in cached.values() if path.endswith(".pyc") and not Path(path).exists()]
    assert sorted(path.name for path in (target / "state").iterdir()) == ["pythonpath"]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("sitecustomize.py", "", "A bad pickle was loaded and ran"),
        ("pickleball_enforce/hook.py", "raise RuntimeError('broken')", "RuntimeError: broken"),
        ("pickleball_enforce/drivers/compiled.py", "raise RuntimeError('broken')", "RuntimeError: broken"),
    ],
)
def test_the_self_test_fails_where_it_does_not(file: str, content: str, said: str, tmp_path: Path) -> None:
    """An enforcer that does not start, or that fails, is told from one that works."""
    target = tmp_path / "pickleball"
    install_target(target)
    (target / file).write_text(content)
    if not content:
        (target / "usercustomize.py").write_text("")
    done = subprocess.run(
        [sys.executable, target / "selftest.py", "--target", target],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    result = json.loads(done.stderr.splitlines()[-1])
    assert result["selftest"] == "failed"
    assert said in result["sentence"]


def test_the_self_test_fails_where_the_interpreter_ignores_the_enforcer(tmp_path: Path) -> None:
    """Something in the image that undoes the hook is found out."""
    target = tmp_path / "pickleball"
    install_target(target)
    own = tmp_path / "own"
    own.mkdir()
    for name in ("sitecustomize.py", "usercustomize.py"):
        (own / name).write_text(
            "import sys\nsys.meta_path[:] = [f for f in sys.meta_path if 'pickleball' not in type(f).__module__]\n"
        )
    done = subprocess.run(
        [sys.executable, target / "selftest.py", "--target", target],
        env={**os.environ, "PYTHONPATH": str(own)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ran: this interpreter does not take the enforcer" in done.stderr


def test_selftest_judges_the_interpreter_that_runs_it() -> None:
    """Without a folder it is the installed package that is proven."""
    done = command("selftest")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr)["python"] == sys.executable


def test_run_enforces_a_program_and_its_children(policy: Path, tmp_path: Path) -> None:
    """Its exit code and output are the program's; another environment's packages do not get into it."""
    code = (
        "import subprocess, sys; from specimens import *; refused(pickle.loads, bad());"
        "assert pickle.loads(good()) == VALUE;"
        "subprocess.run([sys.executable, '-c', 'from specimens import *; refused(pickle.loads, bad())'], check=True);"
        "assert not any(entry.endswith('enforce/src') for entry in sys.path if '--strict' in sys.argv);"
        "sys.exit(7)"
    )
    records = tmp_path / "records"
    settings = {"PYTHONPATH": str(LIBRARY), "SPECIMENS_MARKER": str(tmp_path / "marker")}
    arguments = ["run", "--policy", policy, "--violations", records, "--"]
    done = command(*arguments, sys.executable, "-c", code, **settings)
    assert done.returncode == 7, done.stderr
    assert len(records.read_text().splitlines()) == 2
    other = f"{sys.base_prefix}/bin/python3"  # has no pickleball_enforce of its own
    done = command(*arguments, other, "-c", code, "--strict", **settings)
    assert done.returncode == 7, done.stderr


def test_run_audits(policy: Path, tmp_path: Path) -> None:
    """--mode audit records what enforce refuses."""
    settings = {"PYTHONPATH": str(LIBRARY), "SPECIMENS_MARKER": str(tmp_path / "marker")}
    code = "from specimens import *; pickle.loads(bad())"
    done = command("run", "--policy", policy, "--mode", "audit", "--", sys.executable, "-c", code, **settings)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "marker").is_dir()
    assert json.loads(done.stderr)["mode"] == "audit"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--policy", "/nowhere", "--", "true"], 2, "/nowhere: cannot be read"),
        (["--", "true"], 2, "/root/policies/policy.json: cannot be read"),
        (["--policy", "POLICY", "--", "no-such-program"], 127, "no-such-program: there is no such program"),
        (["--policy", "POLICY"], 2, "name the program to run"),
    ],
)
def test_run_says_what_is_wrong(arguments: list[str], code: int, said: str, policy: Path) -> None:
    """Nothing is started without a policy that can be read."""
    if not Path("/root/policies/policy.json").exists() or "--policy" in arguments:
        done = command("run", *[str(policy) if item == "POLICY" else item for item in arguments])
        assert done.returncode == code
        assert said in done.stderr


@pytest.mark.door("`python -I` and `-E`, with the `.pth` file of `pickleball install --site`")
@pytest.mark.door("`python -S`, with the `.pth` file")
def test_a_pth_file_hooks_an_environment(tmp_path: Path) -> None:
    """`install --site` needs no PYTHONPATH, works with -E and -I, not with -S; without it the process ends."""
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    (site,) = place.glob("lib/python*/site-packages")
    source = Path(__file__).parents[2] / "images/enforce/src/pickleball_enforce"
    shutil.copytree(source, site / "pickleball_enforce", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([python, "-m", "pickleball_enforce", "install", "--site"], check=True)
    code = "import pickle\nprint(pickle.loads)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for switch in ("-E", "-I", "-B"):
        done = subprocess.run([python, switch, "-c", code], env=clean, capture_output=True, text=True, check=True)
        assert "enforced" in done.stdout
    done = subprocess.run([python, "-S", "-c", code], env=clean, capture_output=True, text=True, check=True)
    assert "enforced" not in done.stdout
    shutil.rmtree(site / "pickleball_enforce")
    done = subprocess.run([python, "-c", code], env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert done.stderr.startswith("pickleball: the hook failed: ")
