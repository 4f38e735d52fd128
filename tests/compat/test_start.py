"""The enforcer starts with every Python, and leaves the start of the program as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.compat.conftest import LIBRARY

if TYPE_CHECKING:
    from tests.compat.conftest import Enforced

OLD = Path.home() / ".pyenv/versions/2.7.18/bin/python"


@pytest.mark.door("the application's own `sitecustomize` and `usercustomize`")
def test_the_programs_own_sitecustomize_runs_too(enforced: Enforced, tmp_path: Path) -> None:
    """What stands further down PYTHONPATH under that name is run, once, under its name."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import os\nos.environ['OWN'] = os.environ.get('OWN', '') + __name__\n")
    (own / "usercustomize.py").write_text("import os\nos.environ['USER_OWN'] = __name__\n")
    enforced(
        """
        import os, sitecustomize, site
        assert os.environ["OWN"] == "sitecustomize"
        assert os.path.dirname(sitecustomize.__file__).endswith("own"), sitecustomize
        from specimens import *
        refused(pickle.loads, bad())
        """,
        path=(own,),
    )


@pytest.mark.door("another `sitecustomize` in front of ours")
def test_another_sitecustomize_in_front_is_survived(enforced: Enforced, enforcer: Path, tmp_path: Path) -> None:
    """Where an agent's sitecustomize stands in front and runs no other, usercustomize hooks the process."""
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "sitecustomize.py").write_text("agent = True\n")
    code = """if True:
        import sitecustomize
        assert sitecustomize.agent
        from specimens import *
        refused(pickle.loads, bad())
        print("enforced")
    """
    settings = {
        **os.environ,
        "PYTHONPATH": f"{agent}:{enforcer}:{LIBRARY}",
        "SPECIMENS_MARKER": str(tmp_path / "marker"),
        "PICKLEBALL_VIOLATIONS": os.devnull,
    }
    python = f"{sys.base_prefix}/bin/python3"  # a venv has no usercustomize
    done = subprocess.run([python, "-c", code], env=settings, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "enforced\n", done.stderr


def test_the_images_pythonpath_is_put_back(enforced: Enforced, enforcer: Path, tmp_path: Path) -> None:
    """What the self-test recorded stands behind our folder again, for the process and its children."""
    image = tmp_path / "image"
    image.mkdir()
    (image / "of_the_image.py").write_text("")
    record = enforcer / "state" / "pythonpath"
    record.write_text(f"{image}:/nowhere")
    try:
        enforced("""
            import os, subprocess, sys
            import of_the_image
            entries = os.environ["PYTHONPATH"].split(os.pathsep)
            assert entries[-2:] == [os.path.dirname(of_the_image.__file__), "/nowhere"], entries
            subprocess.run([sys.executable, "-c", "import of_the_image"], check=True)
            assert os.environ["PYTHONPATH"].count("/nowhere") == 1
        """)
    finally:
        record.unlink()


def test_nothing_is_imported_before_pickle_is(enforced: Enforced) -> None:
    """A program that loads no pickle pays for a finder, and for nothing else."""
    done = enforced("""
        import sys
        print(sorted(name for name in sys.modules if name.startswith("pickleball")))
        assert not {"pickle", "_pickle", "typing", "re", "json", "hashlib", "dataclasses"} & set(sys.modules)
    """)
    assert done.stdout.strip() == "['pickleball_enforce', 'pickleball_enforce.hook']"


def test_a_hook_that_fails_ends_the_process(enforced: Enforced, enforcer: Path, tmp_path: Path) -> None:
    """With one plain line, and before the program runs: at the start, or when pickle is imported."""
    broken = tmp_path / "broken"
    shutil.copytree(enforcer, broken)
    for module in ("report.py", "hook.py"):
        (broken / "pickleball_enforce" / module).write_text("raise RuntimeError('broken')\n")
        done = enforced("print('on'); import pickle; print('off')", check=False, PYTHONPATH=str(broken))
        assert done.returncode == 78
        assert "off" not in done.stdout
        assert done.stderr.startswith("pickleball: the hook failed: RuntimeError: broken")
        assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not OLD.exists(), reason="there is no Python 2.7 on this machine")
def test_python_2_runs_on_without_the_enforcer(enforcer: Path, tmp_path: Path) -> None:
    """An interpreter that is too old runs as before; the self-test says so and fails."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("own = True\n")
    environment = {"PYTHONPATH": f"{enforcer}:{own}", "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import sitecustomize, pickle\nprint(sitecustomize.own, pickle.loads(pickle.dumps([1])))"
    done = subprocess.run([OLD, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "(True, [1])\n"
    assert not done.stderr
    told = subprocess.run([OLD, enforcer / "selftest.py"], env={}, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "Python 2.7 is not enforced" in told.stderr


@pytest.mark.door("virtual environments, with PYTHONPATH")
@pytest.mark.parametrize("options", [(), ("--system-site-packages",)], ids=["alone", "with the system's packages"])
def test_a_virtual_environment_is_enforced(options: tuple[str, ...], enforced: Enforced, tmp_path: Path) -> None:
    """Its interpreter starts with the enforcer."""
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *options, place], check=True)
    enforced(f"""
        import subprocess
        code = "from specimens import *; refused(pickle.loads, bad()); assert pickle.loads(good()) == VALUE"
        subprocess.run([{str(place / "bin" / "python")!r}, "-c", code], check=True)
    """)


@pytest.mark.door("zip applications, and modules in a zip file")
def test_a_zip_application_is_enforced(enforced: Enforced, tmp_path: Path) -> None:
    """Programs that Python runs from a zip file, and modules that it imports from one, load enforced."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "loading.py").write_text("from pickle import loads\n")
    (source / "__main__.py").write_text(
        "from loading import loads\nfrom specimens import *\n"
        "refused(loads, bad())\nassert loads(good()) == VALUE\nprint(__file__)\n"
    )
    enforced(f"""
        import subprocess, sys, zipapp
        zipapp.create_archive({str(source)!r}, "app.pyz")
        done = subprocess.run([sys.executable, "app.pyz"], check=True, capture_output=True, text=True)
        assert "app.pyz" in done.stdout
        sys.path.insert(0, "app.pyz")
        import loading
        from specimens import *
        refused(loading.loads, bad())
        assert loading.loads(good()) == VALUE
    """)
