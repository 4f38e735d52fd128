"""Pods that look protected and are not: each breaks one rule that the API server itself has to keep."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
Change = Callable[[Manifest, Manifest], object]
"""Changes the spec of a pod; also gets its container `app`."""


@dataclass(frozen=True)
class Attack:
    """One change to a protected pod, and a part of the sentence that denies it."""

    name: str
    says: str
    change: Change

    def on(self, pod: Manifest) -> Manifest:
        """The pod with the change."""
        changed = copy.deepcopy(pod)
        (app,) = [one for one in changed["spec"]["containers"] if one["name"] == "app"]
        self.change(changed["spec"], app)
        return changed


def step(spec: Manifest, name: str) -> Any:
    """An init container."""
    (found,) = [one for one in spec["initContainers"] if one["name"].startswith(f"pickleball-{name}")]
    return found


def drop(spec: Manifest, name: str) -> None:
    """Remove an init container."""
    spec["initContainers"].remove(step(spec, name))


def variable(app: Manifest, name: str) -> Any:
    """A variable of the application."""
    (found,) = [one for one in app["env"] if one["name"] == name]
    return found


def set_everywhere(spec: Manifest, app: Manifest, name: str, value: str) -> None:
    """Give the application a variable, and its self-test, which sees what it sees."""
    app["env"].insert(0, {"name": name, "value": value})
    test = step(spec, "self-test")
    test["env"] = [{"name": name, "value": value}, *test.get("env", ())]


def mount(container: Manifest, path: str) -> Any:
    """A mount of a container."""
    (found,) = [one for one in container["volumeMounts"] if one["mountPath"] == path]
    return found


def unmount(container: Manifest, path: str) -> None:
    """Take a mount away."""
    container["volumeMounts"].remove(mount(container, path))


def volume(spec: Manifest, name: str) -> Any:
    """A volume."""
    (found,) = [one for one in spec["volumes"] if one["name"].startswith(name)]
    return found


def replace(spec: Manifest, name: str, content: Manifest) -> None:
    """Give a volume another content under the same name."""
    found = volume(spec, name)
    spec["volumes"][spec["volumes"].index(found)] = {"name": found["name"], **content}


def run(*words: str) -> Change:
    """Give the application another command."""

    def change(_spec: Manifest, app: Manifest) -> None:
        app["command"] = list(words)
        app.pop("args", None)

    return change


def first(container: Manifest) -> Change:
    """Put an init container in front of ours."""
    return lambda spec, _app: spec["initContainers"].insert(0, container)


def bare(spec: Manifest, app: Manifest) -> None:
    """Take everything away."""
    spec.pop("initContainers")
    app.pop("env")
    app["volumeMounts"] = [one for one in app["volumeMounts"] if not one["name"].startswith("pickleball-")]


STEPS, MOUNTS, ENV, COMMAND, POLICY, WITNESS = (
    "lacks the steps",
    "read-only mounts",
    "in front of every PYTHONPATH",
    "starts Python with -I",
    "does not run with a policy",
    "lacks the witness",
)
MINE = {"name": "mine", "emptyDir": {}}
WRITER = {"name": "writer", "image": "evil:1", "volumeMounts": [{"name": "pickleball-enforcer-0", "mountPath": "/x"}]}

ATTACKS = [
    Attack("nothing of it", MOUNTS, bare),
    Attack("no installation", STEPS, lambda spec, _: drop(spec, "install")),
    Attack("no self-test", STEPS, lambda spec, _: drop(spec, "self-test")),
    Attack("another installer", STEPS, lambda spec, _: step(spec, "install").update(image="evil:1")),
    Attack("an installer that does not", STEPS, lambda spec, _: step(spec, "install").update(command=["true"])),
    Attack("an installer with more words", STEPS, lambda spec, _: step(spec, "install").update(args=["--help"])),
    Attack("a self-test that proves nothing", STEPS, lambda spec, _: step(spec, "self-test").update(command=["true"])),
    Attack(
        "a self-test by another program",
        STEPS,
        lambda spec, _: step(spec, "self-test")["command"].__setitem__(0, "true"),
    ),
    Attack("a self-test of another image", STEPS, lambda spec, _: step(spec, "self-test").update(image="other:1")),
    Attack(
        "a self-test in another environment",
        STEPS,
        lambda spec, _: step(spec, "self-test").update(env=[{"name": "PATH", "value": "/mine"}]),
    ),
    Attack("an installation beside the folder", STEPS, lambda spec, _: [
        one["volumeMounts"][-1 if "self-test" in one["name"] else 0].update(subPath="beside")
        for one in spec["initContainers"][:2]]),
    Attack("a self-test with more variables", STEPS, lambda spec, _: step(spec, "self-test").update(
        envFrom=[{"configMapRef": {"name": "mine"}}])),
    Attack(
        "a self-test that runs on",
        STEPS,
        lambda spec, _: step(spec, "self-test").update(restartPolicy="Always"),
    ),
    Attack("a self-test before the installation", STEPS, lambda spec, _: spec["initContainers"].reverse()),
    Attack("a second installer", STEPS, lambda spec, _: spec["initContainers"].append(
        {**WRITER, "name": "pickleball-install-7"})),
    Attack("a container that writes the enforcer", STEPS, lambda spec, _: spec["containers"].append(WRITER)),
    Attack("an init container that writes it", STEPS, lambda spec, _: spec["initContainers"].append(WRITER)),
    Attack("an enforcer of one's own", MOUNTS, lambda spec, _: replace(spec, "pickleball-enforcer-", {
        "configMap": {"name": "mine"}})),
    Attack("no mount of the enforcer", MOUNTS, lambda _, app: unmount(app, "/opt/pickleball")),
    Attack("no mount of the policy", MOUNTS, lambda _, app: unmount(app, "/etc/pickleball")),
    Attack("an enforcer that can be written", MOUNTS, lambda _, app: mount(app, "/opt/pickleball").pop("readOnly")),
    Attack("a part of the enforcer", MOUNTS, lambda _, app: mount(app, "/opt/pickleball").update(subPath="state")),
    Attack("another volume as the policy", MOUNTS, lambda spec, app: (
        spec["volumes"].append(MINE), mount(app, "/etc/pickleball").update(name="mine"))),
    Attack("a mount over the policy", MOUNTS, lambda spec, app: (
        spec["volumes"].append(MINE),
        app["volumeMounts"].append({"name": "mine", "mountPath": "//etc/./pickleball/policy.json"}))),
    Attack("a policy of one's own", POLICY, lambda spec, _: replace(spec, "pickleball-policy", {
        "configMap": {"name": "mine", "items": [{"key": "policy.json", "path": "policy.json"}]}})),
    Attack("a policy that is none", POLICY, lambda spec, _: replace(spec, "pickleball-policy", {"emptyDir": {}})),
    Attack("another file of the policy", POLICY, lambda spec, _: volume(spec, "pickleball-policy")["configMap"].update(
        items=[{"key": "provenance.json", "path": "policy.json"}])),
    Attack("PYTHONPATH without ours", ENV, lambda _, app: variable(app, "PYTHONPATH").update(value="/mine")),
    Attack("PYTHONPATH in front of ours", ENV, lambda _, app: variable(app, "PYTHONPATH").update(
        value="/mine:/opt/pickleball")),
    Attack("PYTHONPATH that begins alike", ENV, lambda _, app: variable(app, "PYTHONPATH").update(
        value="/opt/pickleballs:/opt/pickleball")),
    Attack("a second PYTHONPATH", ENV, lambda _, app: app["env"].append({"name": "PYTHONPATH", "value": "/mine"})),
    Attack("PYTHONPATH from elsewhere", ENV, lambda _, app: app["env"].append(
        {"name": "PYTHONPATH", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})),
    Attack("no PYTHONPATH", ENV, lambda _, app: app["env"].remove(variable(app, "PYTHONPATH"))),
    Attack("mode Audit", ENV, lambda _, app: variable(app, "PICKLEBALL_MODE").update(value="audit")),
    Attack("a second mode", ENV, lambda _, app: app["env"].append({"name": "PICKLEBALL_MODE", "value": "audit"})),
    Attack("another policy's path", ENV, lambda _, app: variable(app, "PICKLEBALL_POLICY").update(value="/mine.json")),
    Attack("no witness", WITNESS, lambda spec, _: drop(spec, "witness")),
    Attack("a witness of another image", WITNESS, lambda spec, _: step(spec, "witness").update(image="evil:1")),
    Attack("a witness that ends", WITNESS, lambda spec, _: [
        step(spec, "witness").pop(key) for key in ("restartPolicy", "readinessProbe")]),
    Attack("a witness that is always ready", WITNESS, lambda spec, _: step(spec, "witness").pop("readinessProbe")),
    Attack("a witness of another container", WITNESS, lambda spec, _: step(spec, "witness")["command"].__setitem__(
        -1, "other=0")),
    Attack("a witness of mode Audit", WITNESS, lambda spec, _: step(spec, "witness").update(
        command=["audit" if word == "enforce" else word for word in step(spec, "witness")["command"]])),
    Attack("no reports", WITNESS, lambda _, app: app["env"].remove(variable(app, "PICKLEBALL_REPORTS"))),
    Attack("a forger of reports", WITNESS, lambda spec, _: spec["containers"].append(
        {"name": "forger", "image": "evil:1", "volumeMounts": [{"name": "pickleball-reports", "mountPath": "/x"}]})),
    Attack("python -I", COMMAND, run("python3", "-I", "/srv/serve.py")),
    Attack("python -uE", COMMAND, run("/usr/bin/python3.11", "-uE", "/srv/serve.py")),
    Attack("-S behind values", COMMAND, run("python3", "-W", "ignore", "-X", "dev", "-S", "/srv/serve.py")),
    Attack("-I behind a long option", COMMAND, run(
        "python3", "--check-hash-based-pycs", "always", "-I", "/srv/serve.py")),
    Attack("-I from a variable", COMMAND, lambda spec, app: (
        run("python3", "$(OPTIONS)", "/srv/serve.py")(spec, app), set_everywhere(spec, app, "OPTIONS", "-u -I"))),
    Attack("-I from a shell's variable", COMMAND, lambda spec, app: (
        run("sh", "-c", "exec python3 ${OPTIONS} a.py")(spec, app), set_everywhere(spec, app, "OPTIONS", "-I"))),
    Attack("PYTHONPATH that runs on", COMMAND, run("sh", "-c", "PYTHONPATH=${PYTHONPATH}x python3 /srv/serve.py")),
    Attack("PYTHONPATH that nobody expands", COMMAND, run("env", "PYTHONPATH=$PYTHONPATH:/x", "python3", "/srv/a.py")),
    Attack("PYTHONPATH in single quotes", COMMAND, run("sh", "-c", "PYTHONPATH='$PYTHONPATH:/x' python3 /srv/a.py")),
    Attack("PYTHONPATH of a longer name", COMMAND, run("sh", "-c", "PYTHONPATH=$PYTHONPATHX:/x python3 /srv/a.py")),
    Attack("-I in a shell", COMMAND, run("sh", "-c", "true;exec python3 -I /srv/serve.py")),
    Attack("-I in args", COMMAND, lambda _, app: app.update(command=["python3"], args=["-I", "/srv/serve.py"])),
    Attack("unset", COMMAND, run("sh", "-c", "unset PYTHONPATH; exec python3 /srv/serve.py")),
    Attack("env -u", COMMAND, run("env", "-u", "PYTHONPATH", "python3", "/srv/serve.py")),
    Attack("env -i", COMMAND, run("/usr/bin/env", "-i", "python3", "/srv/serve.py")),
    Attack("PYTHONPATH in the command", COMMAND, run("sh", "-c", "PYTHONPATH=/mine exec python3 /srv/serve.py")),
]  # fmt: skip

FINE: list[tuple[str, Change]] = [
    ("as it is", lambda _spec, _app: None),
    ("own PYTHONPATH behind ours", lambda _, app: variable(app, "PYTHONPATH").update(value="/opt/pickleball:/mine")),
    ("an init container of others in front", first({"name": "mesh", "image": "mesh:1"})),
    ("options of the program", run("python3", "-u", "/srv/serve.py", "-I", "-E")),
    ("a shell that keeps PYTHONPATH", run("sh", "-c", "export PYTHONPATH=$PYTHONPATH:/x && exec python3 /srv/a.py")),
    (
        "a variable that only looks alike",
        lambda spec, app: (
            run("python3", "/srv/serve.py", "$(OPTIONS)")(spec, app),
            set_everywhere(spec, app, "OPTIONS", "--serve"),
        ),
    ),
    ("stricter than wanted", lambda _, app: variable(app, "PICKLEBALL_MODE").update(value="enforce")),
]
"""Changes that leave the pod protected: these are admitted."""
