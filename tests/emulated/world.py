"""A small world without a cluster: the in-memory API server, a node that follows a script, and the real controller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pickleball_operator.controller.reconcile import reconcile
from pickleball_operator.errors import KubeError
from pickleball_operator.kube import Manifest, Ref
from pickleball_operator.kube.memory import Memory
from pickleball_operator.local.node import Exit, Node
from pickleball_operator.publish import publish
from pickleball_operator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLICY = {"lib.Model": {"globals": ["lib.Model", "numpy.ndarray"], "reduces": ["numpy.core.multiarray._reconstruct"]}}
CHAIN = [{"holds": "the model", "rule": "class of the model", "at": "lib/__init__.py:1"}]
PROVENANCE: Manifest = {
    "schema": 1,
    "sources": [{"name": "lib", "version": "1.0", "digest": "sha256:1"}],
    "classes": {
        "lib.Model": {
            "at": "lib/__init__.py:1",
            "globals": {
                "lib.Model": {
                    "kind": "needed",
                    "rule": "the class of the model",
                    "at": "lib/__init__.py:1",
                    "chain": CHAIN,
                    "grade": "effects",
                    "effects": {"file": ["lib/__init__.py:7 lib.Model.__setstate__", "builtins.open"]},
                },
                "numpy.ndarray": {"kind": "pack", "rule": "array", "at": "", "chain": CHAIN, "grade": "no source"},
            },
            "reduces": {
                "numpy.core.multiarray._reconstruct": {
                    "kind": "pack",
                    "rule": "array",
                    "at": "",
                    "chain": CHAIN,
                    "grade": "no source",
                }
            },
            "refused": {
                "posix.system": {"effect": "process", "rule": "the sources call it", "at": "lib/x.py:3", "chain": CHAIN}
            },
            "unresolved": [{"what": "the type of other", "in": "lib.Model.fit", "at": "lib/__init__.py:9"}],
        }
    },
}
SETTINGS = Settings(operator_image="op:1", enforce_image="enf:1", generate_image="gen:1")


def model_deployment(name: str = "iris", **changes: Any) -> Manifest:
    """A ModelDeployment as a user writes it; `changes` are merged into its spec."""
    container = {"name": "app", "image": "app:1", "command": ["python3", "/app/serve.py"]}
    spec: Manifest = {"model": {"classes": ["lib.Model"]}, "template": {"spec": {"containers": [container]}}}
    return {
        "apiVersion": "pickleball.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {**spec, **changes},
    }


@dataclass
class Script:
    """What each container does, by name; all end well (or stay up) unless the script says otherwise."""

    folder: Path
    kube: Memory
    ends: dict[str, Exit] = field(default_factory=dict)
    policy: Any = field(default_factory=lambda: POLICY)
    provenance: Any = field(default_factory=lambda: PROVENANCE)
    printed: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def step(self, pod: Manifest, container: Manifest) -> Exit:
        """End a container as the script says; `publish` is the real one."""
        name = container["name"]
        self.ran.append(name)
        if name in self.ends:
            return self.ends[name]
        if name == "publish":
            (self.folder / "policy.json").write_text(json.dumps(self.policy))
            (self.folder / "provenance.json").write_text(json.dumps(self.provenance))
            words = container["command"]
            given = dict(zip(words[2::2], words[3::2], strict=True))
            publish(self.folder, self.kube, given["--namespace"], given["--configmap"])
        return Exit()

    def serve(self, pod: Manifest, container: Manifest) -> Exit | None:
        """Keep the application up unless the script ends it."""
        self.ran.append(container["name"])
        return self.ends.get(container["name"])

    def log(self, pod: Manifest, container: Manifest) -> str:
        """Give what the script says that a container prints."""
        return self.printed.get(container["name"], "")


class World:
    """API server, node and controller."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.now = 0
        self.kube = Memory(self.clock)
        self.script = Script(folder, self.kube)
        self.node = Node(self.kube, self.script, self.clock)

    def clock(self) -> str:
        """A time that moves on with each look."""
        self.now += 1
        return f"2026-01-01T{self.now // 3600:02}:{self.now // 60 % 60:02}:{self.now % 60:02}Z"

    def add(self, manifest: Manifest) -> None:
        """What `kubectl apply` does the first time."""
        self.kube.create(manifest)

    def edit(self, change: Callable[[Manifest], Any], name: str = "iris") -> None:
        """What `kubectl edit` does."""
        ref = Ref("ModelDeployment", "team", name)
        manifest = self.get("ModelDeployment", name)
        change(manifest)
        current = self.get("ModelDeployment", name)
        dropped = {key: None for key in current["spec"] if key not in manifest["spec"]}
        self.kube.patch(ref, {"metadata": manifest["metadata"], "spec": {**manifest["spec"], **dropped}})

    def reconcile(self, name: str = "iris") -> None:
        """One reconcile."""
        reconcile(self.kube, self.settings, self.clock, "team", name)

    def settle(self, *names: str, patience: int = 30) -> None:
        """Let everything happen until nothing changes any more; what fails is tried again, as the queue does."""
        for _ in range(patience):
            before = len(self.kube.writes)
            failed = False
            for name in names or ("iris",):
                try:
                    self.reconcile(name)
                except KubeError:
                    failed = True
            self.node.run_jobs()
            self.node.run_deployments()
            if len(self.kube.writes) == before and not failed:
                return
        raise AssertionError(f"nothing settled; the last writes were {self.kube.writes[-10:]}")

    def get(self, kind: Any, name: str) -> Manifest:
        """An object that has to be there."""
        found = self.kube.get(Ref(kind, "team", name))
        assert found is not None, f"{kind} {name}"
        return found

    def only(self, kind: Any, **labels: str) -> Manifest:
        """The one object of a kind (with a part)."""
        wanted = {f"pickleball.dev/{key}": value for key, value in labels.items()}
        (found,) = self.kube.list(kind, "team", wanted)
        return found

    def status(self, name: str = "iris") -> Manifest:
        """The status of a ModelDeployment."""
        found: Manifest = self.get("ModelDeployment", name)["status"]
        return found

    def condition(self, kind: str, name: str = "iris") -> Manifest:
        """One condition."""
        (found,) = [one for one in self.status(name)["conditions"] if one["type"] == kind]
        return dict(found)

    def reasons(self, name: str = "iris") -> dict[str, tuple[str, str]]:
        """Status and reason of each condition."""
        return {one["type"]: (one["status"], one["reason"]) for one in self.status(name)["conditions"]}

    def annotate(self, name: str = "iris", **annotations: str) -> None:
        """What `kubectl annotate` does; underscores stand for hyphens."""
        wanted = {f"pickleball.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.kube.patch(Ref("ModelDeployment", "team", name), {"metadata": {"annotations": wanted}})

    def events(self) -> list[str]:
        """The reasons of all events."""
        found = self.kube.list("Event", "team")
        return [one["reason"] for one in sorted(found, key=lambda one: one["firstTimestamp"])]
