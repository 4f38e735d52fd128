"""The small parts of the hook: what the package shows, records, exemptions, the sanction of one import."""

from __future__ import annotations

import io
import json
import pickle
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import pickleball_enforce
from pickleball_enforce import environment, exemptions, records, sanction, stubs
from pickleball_enforce.errors import PolicyViolation, SettingsError
from pickleball_enforce.lookup import Enforcement, Lookup
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.report import Violation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLICY = Policy({"a.B": Entry(("a.B",), ())})
IN_FORCE = Enforcement("enforce", POLICY, "/etc/pickleball/policy.json")


def violation(sentence: str = "The stream calls a.f.", name: str = "a.f") -> Violation:
    """Make a violation."""
    return Violation("reduce-not-allowed", name, "REDUCE", 41, sentence, ("reduces", name))


def test_the_package_shows_its_public_names_and_no_others() -> None:
    """What programs may rely on is a short list, and each name of it is there."""
    assert pickleball_enforce.__all__ == [
        "Entry", "MalformedStream", "PickleBallError", "Policy", "PolicyError", "PolicyViolation", "Report",
        "SettingsError", "SourceError", "Violation", "install", "use_policy", "verify",
    ]  # fmt: skip
    for name in pickleball_enforce.__all__:
        assert getattr(pickleball_enforce, name) is not None
        assert name in dir(pickleball_enforce)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pickleball_enforce.nothing


def test_the_policy_of_the_environment_is_kept_once_it_is_read(tmp_path: Path) -> None:
    """A file that is not there yet is looked for again; one that was read stays in force."""
    path = tmp_path / "policy.json"
    found = Lookup({"PICKLEBALL_POLICY": str(path)})
    assert found.current().policy is None
    assert str(path) in found.current().fault
    path.write_text(POLICY.dumps())
    kept = found.current().policy
    assert kept is not None
    assert kept.entries == POLICY.entries
    path.unlink()
    assert found.current().policy is kept


def test_a_mode_that_is_no_mode_refuses() -> None:
    """Neither the environment nor a caller can turn the enforcer off by a word that it does not know."""
    in_force = Lookup({"PICKLEBALL_MODE": "Audit"}).current()
    assert (in_force.policy, in_force.mode) == (None, "enforce")
    with pytest.raises(SettingsError, match="'off'"):
        Lookup({}).set_mode("off")


def test_the_default_place_is_the_one_that_images_know() -> None:
    """Without an environment the policy is looked for below /root."""
    assert Lookup({}).current().path == environment.DEFAULT_PATH == "/root/policies/policy.json"


def test_the_termination_message_never_exceeds_what_the_kubelet_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first records stand in it, shortened, and each line is whole."""
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(records, "TERMINATION_LOG", str(log))
    for number in range(20):
        records.write([violation("x" * 5000, f"a.f{number}")], IN_FORCE, "/models/" + "m" * 900, "00")
    content = log.read_bytes()
    assert len(content) <= 4096
    lines = [json.loads(line) for line in content.splitlines()]
    assert [line["name"] for line in lines] == [f"a.f{number}" for number in range(len(lines))]
    assert len(lines) > 2
    assert len(capsys.readouterr().err.splitlines()) == 20


def test_no_termination_log_is_made_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a pod only stderr is written."""
    monkeypatch.setattr(records, "TERMINATION_LOG", str(tmp_path / "none"))
    records.write([violation()], IN_FORCE, "", "")
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be_written_do_not_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stderr changes nothing about a refusal."""
    monkeypatch.setattr(sys, "stderr", None)
    records.write([violation()], IN_FORCE, "", "")


def test_a_sanction_is_for_one_import_of_one_thread() -> None:
    """It is used up by the import that it names, and by any other that comes first."""
    sanction.grant("a", "b")
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(sanction.consume("a", "b")))
    thread.start()
    thread.join()
    assert seen == [False]
    assert sanction.consume("a", "b")
    assert not sanction.consume("a", "b")
    sanction.grant("a", "b")
    assert not sanction.consume("a", "c")
    assert not sanction.consume("a", "b")
    sanction.grant("module", "name")
    assert not sanction.consume("module", "".join(["na", "me"])), "a text of another import"


def test_an_exemption_needs_the_globals_of_the_real_module() -> None:
    """Code that calls itself multiprocessing.connection is not exempt."""
    namespace = {"__name__": "multiprocessing.connection", "ask": lambda: exemptions.is_exempt(sys._getframe(1))}
    exec("answer = ask()", namespace)
    assert namespace["answer"] is False
    assert not exemptions.is_exempt(sys._getframe())


def test_a_stub_is_restored_as_a_stub() -> None:
    """A stub that was pickled says the same name again, and still refuses to be used."""
    stub = stubs.restore("a", "B.c", 3)
    assert "a.B.c" in repr(stub)
    with pytest.raises(PolicyViolation, match=r"a\.B\.c"):
        stub()
    with pytest.raises(PolicyViolation):

        class Derived(stub):  # type: ignore[misc, valid-type]
            pass


def test_a_signal_that_ends_an_exempt_load_ends_the_exemption(
    interrupted: Callable[[Callable[[], object]], None],
) -> None:
    """Wherever it comes: what the thread loads afterwards is no part of that load."""
    from pickleball_enforce.drivers import compiled

    data = pickle.dumps([1])
    for _ in range(2000):
        interrupted(lambda: compiled._Exempt(io.BytesIO(data)).load())
        assert not sanction.is_in_exempt()
