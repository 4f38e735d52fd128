"""What is in force: a policy, none, an audit; and what is said about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compat.conftest import Enforced

    Records = Callable[[], list[dict[str, object]]]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"PICKLEBALL_POLICY": "/nowhere/policy.json"}, "/nowhere/policy.json: cannot be read"),
        ({"PICKLEBALL_POLICY": "/dev/null"}, "/dev/null: is empty"),
        ({"PICKLEBALL_MODE": "off"}, "PICKLEBALL_MODE is 'off'"),
    ],
)
def test_without_a_policy_every_load_is_refused(
    settings: dict[str, str], reason: str, enforced: Enforced, violations: Records
) -> None:
    """Fail closed: even plain data is refused, with the reason, through every door."""
    done = enforced(
        """
        import io, pickle
        from specimens import *
        data = pickle.dumps([1])
        for load in (pickle.loads, pickle._loads, lambda d: pickle.load(io.BytesIO(d))):
            refused(load, data)
        try:
            pickle.loads(data)
        except pickle.UnpicklingError as error:
            print(error)
        """,
        **settings,
    )
    assert reason in done.stdout
    assert {record["rule"] for record in violations()} == {"no-policy"}


@pytest.mark.parametrize("policy_path", ["", "/nowhere"])
def test_an_audit_gives_stocks_objects_and_records(policy_path: str, enforced: Enforced, violations: Records) -> None:
    """With or without a policy, the program gets what stock gives, errors included."""
    settings = {"PICKLEBALL_POLICY": policy_path} if policy_path else {}
    enforced(
        """
        import io, os, pickle
        from specimens import *
        def doors():
            yield pickle.loads
            yield pickle._loads
            yield lambda d: pickle.load(io.BytesIO(d))
            yield lambda d: type("U", (pickle.Unpickler,), {})(io.BytesIO(d)).load()
            def through_file(data):
                with open("model", "wb") as file:
                    file.write(data)
                with open("model", "rb") as file:
                    return pickle.load(file)
            yield through_file
        for door in doors():
            for protocol in range(6):
                result = door(bad(protocol))
                assert result["model"] == VALUE["model"] and os.path.isdir(MARKER)
                os.rmdir(MARKER)
                assert door(good(protocol)) == VALUE
                assert door(pickle.dumps([os.mkdir], protocol)) == [os.mkdir]
            assert door(b"I5 \\n.") == 5  # refused where a policy is enforced
            for broken, kind in ((b"", EOFError), (b"]", EOFError), (b"garbage", Exception),
                                 (b"cos\\nnothing\\n.", AttributeError)):
                try:
                    door(broken)
                except kind:
                    continue
                raise AssertionError(broken)
        file = io.BytesIO(bad() + good())
        pickle.load(file)
        assert pickle.load(file) == VALUE
        """,
        PICKLEBALL_MODE="audit",
        PYTHONWARNINGS="default",
        **settings,
    )
    found = violations()
    assert {record["mode"] for record in found} == {"audit"}
    rules = {record["rule"] for record in found}
    assert rules >= ({"reduce-not-allowed", "import-not-allowed"} if not policy_path else {"no-policy"})


def test_a_name_outside_the_policy_is_an_inert_stub(enforced: Enforced, violations: Records) -> None:
    """It survives what libraries do to values; a use of it is refused and recorded, with what would allow it."""
    enforced("""
        import copy, decimal, pickle
        from specimens import *
        for loads in (pickle.loads, pickle._loads):
            model = loads(pickle.dumps(Model(kind=decimal.Decimal, other=1)))
            stub = model.kind
            assert stub is not decimal.Decimal and stub == stub and hash(stub) is not None and stub
            assert "decimal.Decimal" in repr(stub) and not isinstance(1, stub) and not isinstance(stub, int)
            assert copy.deepcopy(model).kind == stub and copy.copy(stub) == stub
            assert not hasattr(stub, "fit") and getattr(stub, "fit", None) is None
            assert {stub: 1}[stub] == 1 and str(stub)
            for use in (lambda: stub("1"), lambda: stub.quantize(1), lambda: setattr(stub, "a", 1)):
                refused(use)
    """)
    found = violations()
    left = [record for record in found if record["rule"] == "import-not-allowed"]
    assert len(left) == 2
    assert left[0]["allow"] == {"list": "globals", "entry": "decimal.Decimal"}
    assert {record["name"] for record in found if record["rule"] == "stub-used"} == {"decimal.Decimal"}


def test_a_record_says_what_where_and_what_would_allow_it(
    enforced: Enforced, violations: Records, tmp_path: Path, policy: Path
) -> None:
    """The record of a refused file has all fields of the contract."""
    enforced("""
        import pickle
        from specimens import *
        with open("model.pkl", "wb") as file:
            file.write(bad(2))
        with open("model.pkl", "rb") as file:
            refused(pickle.load, file)
    """)
    import hashlib

    (record,) = violations()
    assert set(record) == {
        "time",
        "pid",
        "mode",
        "rule",
        "name",
        "opcode",
        "offset",
        "source",
        "policy",
        "allow",
        "sentence",
    }
    content = (tmp_path / "model.pkl").read_bytes()
    assert record["source"] == {"path": "model.pkl", "sha256": hashlib.sha256(content).hexdigest()}
    assert record["policy"] == {"path": str(policy), "sha256": hashlib.sha256(policy.read_bytes()).hexdigest()}
    assert (record["rule"], record["name"], record["opcode"]) == ("reduce-not-allowed", "posix.mkdir", "REDUCE")
    assert record["allow"] == {"list": "reduces", "entry": "posix.mkdir"}
    assert content[record["offset"] : record["offset"] + 1] == b"R"  # type: ignore[operator]


def test_records_go_to_stderr_without_a_file_for_them(enforced: Enforced) -> None:
    """Each is one line of JSON there."""
    done = enforced(
        "from specimens import *\nrefused(pickle.loads, bad())\nrefused(pickle.loads, bad())", PICKLEBALL_VIOLATIONS=""
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["rule"] for line in lines] == ["reduce-not-allowed"] * 2


def test_use_policy_changes_what_is_in_force(enforced: Enforced, tmp_path: Path) -> None:
    """Unpicklers made from then on are judged by the other policy."""
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"a.B": {"globals": [], "reduces": ["posix.mkdir"]}}))
    enforced(f"""
        import os, pickle
        from specimens import *
        import pickleball_enforce
        refused(pickle.loads, bad())
        data = pickle.dumps(Exploit())
        pickleball_enforce.use_policy({str(other)!r})
        pickle.loads(data)
        assert os.path.isdir(MARKER)
        os.rmdir(MARKER)
        refused(pickle.loads, good())
    """)
