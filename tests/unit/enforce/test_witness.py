"""The witness: what it makes of reports, and how it says so."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_enforce.run import BOOTSTRAP
from pickleball_enforce.witness.account import Account, Expected
from pickleball_enforce.witness.endpoint import AT_ONCE, Endpoint
from pickleball_enforce.witness.exposition import METRICS, Policy, expose
from pickleball_enforce.witness.tail import LINE_LIMIT, Tail
from pickleball_enforce.witness.watch import SHRINK, SILENT_AFTER, SILENT_AGAIN, Watch

if TYPE_CHECKING:
    from pathlib import Path

PICKLEBALL = [sys.executable, "-m", "pickleball_enforce"]
EXPECTED = Expected("5a", "enforce")
POLICY = Policy("pickleball-policy-1", "5a", "enforce", 1.5)


def start(**changes: Any) -> str:
    """A report as the enforcer writes it."""
    report = {"enforcer": "0.1.0", "python": "3.11.2", "executable": "/usr/bin/python3", "mode": "enforce",
              "policy": "/etc/pickleball/policy.json", "sha256": "5a", "instance": "4-100", "time": 1000.5, "pid": 1,
              "root": 1}  # fmt: skip
    return json.dumps({**report, **changes})


def violation(**changes: Any) -> str:
    """A record as the enforcer writes it."""
    record = {"mode": "enforce", "rule": "reduce-not-allowed", "name": "posix.system", "opcode": "REDUCE", "offset": 41,
              "source": {"path": "/m.pkl"}, "sentence": "The stream calls posix.system."}  # fmt: skip
    return json.dumps({**record, **changes})


def account(*starts: str, expected: Expected = EXPECTED) -> Account:
    """An account that took these starts."""
    made = Account("app", expected)
    for line in starts:
        made.take_start(line)
    return made


def test_a_container_is_enforced_when_its_own_interpreter_says_so() -> None:
    """Before any report it is not; one report as expected is enough."""
    assert not account().enforced
    assert account(start()).enforced


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sha256": "5b"}, "another policy"),
        ({"sha256": ""}, "cannot read its policy"),
        ({"mode": "audit"}, "mode audit"),
    ],
)
def test_an_interpreter_that_says_otherwise_is_drift(changes: dict[str, Any], says: str) -> None:
    """Whatever else was reported in this run of the container, before or afterwards."""
    for starts in ((start(**changes),), (start(), start(pid=9, **changes)), (start(pid=9, **changes), start())):
        found = account(*starts)
        assert not found.enforced
        assert says in found.sentence


def test_what_a_probe_began_does_not_speak_for_the_application() -> None:
    """A process of another line than the container's first one is counted apart, but where processes are shared."""
    found = account(start(pid=20, root=20))
    assert not found.enforced
    assert "probe" in found.sentence
    assert found.starts == {"application": 0, "exec": 1}
    assert account(start(pid=20, root=20), expected=Expected("5a", "enforce", shared_processes=True)).enforced
    assert account(start(), start(root=20, sha256="other")).enforced


def test_another_run_of_the_container_has_to_report_anew() -> None:
    """What an earlier run said, good or bad, does not count for the next."""
    assert account(start(sha256="5b"), start(instance="4-900")).enforced
    found = account(start(), start(instance="4-900", sha256="5b"))
    assert not found.enforced
    assert found.runs == 2


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", '{"sha256": 1, "instance": []}', "[" * 100_000, "\x00"])
def test_a_line_that_is_no_report_is_counted(line: str) -> None:
    """It changes nothing else."""
    found = account(line)
    found.take_violation(line)
    assert not found.enforced
    assert found.unreadable == 2
    assert found.violations == {}


def test_the_verifiers_that_judge_are_counted() -> None:
    """What is none of them is a line that could not be read."""
    found = account('{"engine": "rust", "pid": 1}', '{"engine": "rust", "pid": 2}', '{"engine": "x"}', '{"engine": []}')
    assert found.engines == {"rust": 2, "python": 0}
    assert found.unreadable == 2
    assert 'pickleball_interpreters_judging_total{container="app",engine="rust"} 2\n' in expose([found], POLICY)


ODD = [None, True, -1, 1e308, float("nan"), float("inf"), "", "x" * 99999, "\ud800", [], [[]], {}, {"a": {}}]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:12])
def test_no_value_in_a_report_ends_the_witness(tmp_path: Path, value: Any) -> None:
    """Whatever stands in whichever field, the pod's witness goes on and its log stays JSON."""
    pod = Pod(tmp_path)
    for name in (*json.loads(start()), "engine"):
        pod.write("starts", start(**{name: value}))
    for name in (*json.loads(violation()), "container", "policy_name"):
        pod.write("violations", violation(**{name: value}))
    pod.watch.look()
    assert {event["policy_name"] for event in pod.told} == {"pickleball-policy-1"}
    assert {event["container"] for event in pod.told[1:]} <= {"app"}
    assert expose(pod.watch.accounts, POLICY)


def test_a_violation_is_told_once_and_counted_always() -> None:
    """The log gets the first of each kind; the metric has all."""
    found = account()
    told = [found.take_violation(violation(offset=offset)) for offset in (41, 41, 42)]
    assert [event is not None for event in told] == [True, False, True]
    assert found.violations == {("reduce-not-allowed", "enforce"): 3}


def test_a_hostile_application_cannot_grow_the_account() -> None:
    """Rules that are none of ours and endless kinds end in one bucket, and in silence."""
    found = account()
    told = [found.take_violation(violation(rule=f"r-{number}" if number % 2 else "X" * 99)) for number in range(9000)]
    assert sum(event is not None for event in told) <= 1000
    assert len(found.violations) <= 101
    assert sum(found.violations.values()) == 9000


def test_a_tail_gives_each_whole_line_once(tmp_path: Path) -> None:
    """Half a line waits for its end, and one that is too long is dropped."""
    path = tmp_path / "file"
    tail = Tail(str(path))
    assert list(tail.lines()) == []
    with path.open("w", buffering=1) as file:
        file.write("one\ntw")
        file.flush()
        assert list(tail.lines()) == ["one"]
        file.write("o\n" + "x" * (3 * LINE_LIMIT) + "\nthree\n")
        file.flush()
        assert list(tail.lines()) == ["two", "three"]
    assert list(tail.lines()) == []


def test_a_tail_follows_a_file_that_is_replaced(tmp_path: Path) -> None:
    """By itself it loses no line of a process that had the old file open, and by others it begins anew."""
    path = tmp_path / "file"
    tail = Tail(str(path))
    tail.prepare()
    with path.open("a", buffering=1) as old:
        old.write("one\n")
        assert list(tail.lines()) == ["one"]
        tail.shrink(["kept"])
        old.write("late\n")
        assert path.read_text() == "kept\n"
        assert path.stat().st_mode & 0o777 == 0o666
        with path.open("a") as new:
            new.write("two\n")
        assert list(tail.lines()) == ["late", "two"]
    path.unlink()
    path.write_text("three\n")
    assert list(tail.lines()) == ["three"]
    path.write_text("4\n")
    assert list(tail.lines()) == ["4"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_a_tail_does_not_follow_what_is_no_file(tmp_path: Path, make: Any) -> None:
    """A pipe, a folder or a link in its place neither blocks nor is read."""
    make(tmp_path / "file")
    assert list(Tail(str(tmp_path / "file")).lines()) == []


def test_who_writes_without_end_keeps_nobody_up(tmp_path: Path) -> None:
    """A look takes a few megabytes, and the next one goes on where it ended."""
    path = tmp_path / "file"
    path.write_text("x" * 1000 + "\n")
    tail = Tail(str(path))
    seen = 0
    for _ in range(3):
        with path.open("a") as file:
            file.write(("x" * 1000 + "\n") * 6000)
        found = len(list(tail.lines()))
        assert found < 4300
        seen += found
    while found := len(list(tail.lines())):
        seen += found
    assert seen == 18001


class Pod:
    """A watch over one container, with what it logs and a clock that is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = 1000.0
        self.out = io.StringIO()
        self.watch = Watch(str(folder), {"app": "0"}, POLICY, EXPECTED, self.out, lambda: self.time)
        self.watch.prepare({"app": "0"})

    def write(self, name: str, *lines: str) -> None:
        """Report, as the container does."""
        with (self.folder / "0" / f"{name}.jsonl").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    @property
    def told(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    """A pod that has just begun."""
    return Pod(tmp_path)


def test_a_pod_is_ready_when_every_container_has_reported(pod: Pod) -> None:
    """The mark for probes comes and goes with it, and the log says it once, with the policy's name."""
    pod.watch.look()
    assert not pod.watch.ready
    pod.write("starts", start(), start(pid=9))
    pod.watch.look()
    assert pod.watch.ready
    assert (pod.folder / "ready").exists()
    assert [event["event"] for event in pod.told] == ["begun", "reported"]
    assert {event["policy_name"] for event in pod.told} == {"pickleball-policy-1"}
    assert (pod.told[1]["container"], pod.told[1]["reported"]) == ("app", 1000.5)
    pod.write("starts", start(instance="4-900", sha256="5b"))
    pod.watch.look()
    assert not pod.watch.ready
    assert not (pod.folder / "ready").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_a_container_that_puts_something_in_the_way_ends_nobody(pod: Pod, make: Any) -> None:
    """Files cannot be made small then; the watch goes on."""
    pod.write("starts", start())
    for name in ("starts", "violations"):
        make(pod.folder / "0" / f"{name}.jsonl.new")
    pod.write("violations", *[violation(name="x" * 1000)] * (SHRINK // 1000))
    pod.write("starts", *[start(executable="x" * 1000)] * (SHRINK // 1000))
    for _ in range(3):
        pod.watch.look()
    assert pod.watch.ready


def test_violations_do_not_push_out_of_sight_how_the_pod_stands(pod: Pod) -> None:
    """Whoever reads the last 64 KiB of the log finds it, however many violations there are and however long."""
    pod.write("starts", start())
    pod.write("violations", *[violation(name=f"{number}" + "x" * 9000, extra="y" * 9000) for number in range(995)])
    pod.watch.look()
    end = pod.out.getvalue()[-64 * 1024 :]
    assert '"event": "reported"' in end
    assert end.count('"event": "violation"') > 20
    assert "extra" not in end


def test_runs_are_told_apart_where_processes_are_shared() -> None:
    """Process 1 is the pod's there, and a number of a mount namespace may come again."""
    shared = Expected("5a", "enforce", shared_processes=True)
    found = account(start(root=9, began=100), start(root=9, began=100), start(root=30, began=900), expected=shared)
    assert found.runs == 2
    assert found.enforced


def test_a_container_that_stays_silent_is_told_now_and_then(pod: Pod) -> None:
    """After half a minute, and every five minutes."""
    for _ in range(int(SILENT_AFTER + 2 * SILENT_AGAIN) + 1):
        pod.watch.look()
        pod.time += 1
    assert [event["event"] for event in pod.told] == ["begun", "waiting", "waiting", "waiting"]


def test_a_new_witness_knows_what_the_old_one_knew(pod: Pod) -> None:
    """Also when the files were made small meanwhile."""
    filler = start(pid=77, executable="x" * 1000)
    pod.write("starts", start(), *[filler] * (SHRINK // len(filler) + 1))
    pod.write("violations", *[violation(name="x" * 1000)] * (SHRINK // 1000))
    pod.watch.look()
    assert (pod.folder / "0" / "starts.jsonl").stat().st_size < 1000
    assert (pod.folder / "0" / "violations.jsonl").stat().st_size == 0
    again = Pod(pod.folder)
    again.watch.look()
    assert again.watch.ready


def test_the_metrics_are_what_prometheus_reads() -> None:
    """Each one has its type and meaning, values stand behind labels, and quotes are escaped."""
    found = account(start(), start(pid=20, root=20))
    found.take_violation(violation())
    text = expose([found], Policy('a"b\n', "5a", "enforce", 1.5))
    assert 'pickleball_container_enforced{container="app"} 1\n' in text
    assert 'pickleball_interpreters_started_total{container="app",origin="exec"} 1\n' in text
    assert 'pickleball_violations_total{container="app",rule="reduce-not-allowed",mode="enforce"} 1\n' in text
    assert 'pickleball_policy_info{policy="a\\"b\\n",sha256="5a",mode="enforce"} 1\n' in text
    assert "pickleball_policy_mounted_timestamp_seconds 1.5\n" in text
    for name in METRICS:
        assert f"# TYPE {name} " in text


def ask(port: int, path: str) -> tuple[int, str]:
    """Ask the endpoint as a kubelet does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_port_says_whether_the_pod_is_ready(pod: Pod) -> None:
    """503 with the reason before, 200 afterwards."""
    with Endpoint(pod.watch, 0) as endpoint:
        assert ask(endpoint.port, "/ready") == (503, '{"app": "No interpreter has reported."}\n')
        pod.write("starts", start())
        pod.watch.look()
        assert ask(endpoint.port, "/ready")[0] == 200
        assert "pickleball_container_enforced" in ask(endpoint.port, "/metrics")[1]
        assert ask(endpoint.port, "/../etc/passwd")[0] == 404


def test_idle_connections_do_not_use_the_port_up(pod: Pod) -> None:
    """More than a few at a time are closed at once, and their places come free."""
    with Endpoint(pod.watch, 0) as endpoint:
        with contextlib.ExitStack() as idle:
            for _ in range(AT_ONCE + 1):
                last = idle.enter_context(socket.create_connection(("127.0.0.1", endpoint.port), timeout=60))
            assert last.recv(1) == b""
        for _ in range(100):
            try:
                assert ask(endpoint.port, "/ready")[0] == 503
                break
            except OSError:
                continue


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """The options of a witness of one container, without a port."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"a.B": {"globals": [], "reduces": []}}')
    return ["witness", "--reports", str(tmp_path), "--container", "app=0", "--policy", str(policy)]


def test_the_command_runs_until_it_is_told_to_stop(tmp_path: Path, options: list[str]) -> None:
    """It takes the report of a real interpreter, marks the pod ready, and ends well and soon at SIGTERM."""
    witness = subprocess.Popen([*PICKLEBALL, *options, "--shared-processes"], stdout=subprocess.PIPE, text=True)
    assert witness.stdout is not None
    assert json.loads(witness.stdout.readline())["event"] == "begun"
    settings = {
        "PYTHONPATH": str(BOOTSTRAP),
        "PICKLEBALL_REPORTS": str(tmp_path / "0"),
        "PICKLEBALL_POLICY": options[-1],
    }
    subprocess.run([sys.executable, "-c", "pass"], env={**os.environ, **settings}, check=True)
    assert json.loads(witness.stdout.readline())["event"] == "reported"
    witness.send_signal(signal.SIGTERM)
    assert witness.communicate(timeout=10) == ("", None)
    assert witness.returncode == 0
    assert (tmp_path / "ready").exists()


AT_EVERY_LINE = """
import os, signal, sys
from pickleball_enforce.witness import command, watch

class Told:
    def __init__(self, line):
        self.left, self.looks = line, 0

    def __call__(self, frame, event, _):
        if event == "call" and frame.f_code is watch.Watch.look.__code__:
            self.looks += 1
        if event == "line" and self.looks and self.left >= 0:
            self.left -= 1
            if self.left < 0 or self.looks > 1:
                self.left = -1
                os.kill(os.getpid(), signal.SIGTERM)
        return self

def told_to_stop(line):
    signal.alarm(20)
    told = Told(line)
    sys.settrace(told)
    code = command.main(sys.argv[1:])
    sys.settrace(None)
    os._exit(code or 3 * (told.looks > 2))

signal.signal(signal.SIGTERM, signal.SIG_DFL)
line, code = 0, 0
while not code:
    child = os.fork()
    if not child:
        told_to_stop(line)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status), f"at line {line} of a round: {status}"
    code = os.WEXITSTATUS(status)
    line += 1
assert code == 3, code
os.write(2, str(line).encode())
"""
"""Begin a witness for each line of Python that the first of its rounds runs, and tell it to stop there."""


def test_it_stops_wherever_it_is_told(options: list[str]) -> None:
    """At each line of a round, of the standard library's too: a signal may come while any lock is held."""
    done = subprocess.run(
        [sys.executable, "-c", AT_EVERY_LINE, *options[1:]], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stderr) > 50


def test_a_witness_that_cannot_begin_says_why(options: list[str]) -> None:
    """A port that is taken, a folder or a policy that cannot be read, a container without a folder."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        port = str(taken.getsockname()[1])
        for more, says in (
            (["--port", port], f"port {port} of the pod"),
            (["--reports", "/dev/null"], "/dev/null"),
            (["--policy", "/nowhere"], "/nowhere"),
            (["--container", "app=../0"], "NAME=FOLDER"),
        ):
            done = subprocess.run(
                [*PICKLEBALL, *options, *more], capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 2
            assert says in done.stdout + done.stderr
