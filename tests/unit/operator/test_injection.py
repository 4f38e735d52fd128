"""The decision on a pod template, and that the injection is exact and idempotent."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.emulated.alteration import altered, leaves
from tests.emulated.world import SETTINGS, model_deployment

from pickleball_operator.decide.injection import Deny, Inject, Skip, injection
from pickleball_operator.decide.ours import strip
from pickleball_operator.decide.reasons import Reason
from pickleball_operator.model import parse
from pickleball_operator.render.injection import inject

Template = dict[str, Any]
POLICY = "pickleball-policy-1"


def rendered(template: Any, plan: Inject) -> Template:
    """The injection with the settings of the tests."""
    return inject(template, plan, SETTINGS)


def decide(template: Template, **spec: Any) -> Any:
    """The decision on a template, with more of the spec if wanted."""
    return injection(template, parse(model_deployment(**spec)), POLICY, rendered)


def pod(**container: Any) -> Template:
    """A template with one container."""
    return {"spec": {"containers": [{"name": "app", "image": "app:1", **container}]}}


MOUNT = {"name": "v", "mountPath": "/data"}
DENIED: list[tuple[str, Template, dict[str, Any], Reason]] = [
    ("no spec", {}, {}, Reason.TEMPLATE_INVALID),
    ("no containers", {"spec": {"containers": []}}, {}, Reason.TEMPLATE_INVALID),
    ("containers of another type", {"spec": {"containers": "app"}}, {}, Reason.TEMPLATE_INVALID),
    ("a container without name", {"spec": {"containers": [{"image": "a"}]}}, {}, Reason.TEMPLATE_INVALID),
    ("a name twice", {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}, {}, Reason.TEMPLATE_INVALID),
    ("env of another type", pod(env={"A": "1"}), {}, Reason.TEMPLATE_INVALID),
    ("args of another type", pod(args=[1]), {}, Reason.TEMPLATE_INVALID),
    ("no such container", pod(), {"enforcement": {"containers": ["web"]}}, Reason.CONTAINER_NOT_FOUND),
    ("a mount at the enforcer", pod(volumeMounts=[{**MOUNT, "mountPath": "/opt/pickleball"}]), {}, Reason.PATH_TAKEN),
    (
        "a mount below the policy",
        pod(volumeMounts=[{**MOUNT, "mountPath": "/etc/pickleball/x"}]),
        {},
        Reason.PATH_TAKEN,
    ),
    (
        "a mount spelt otherwise",
        pod(volumeMounts=[{**MOUNT, "mountPath": "//etc/./pickleball/"}]),
        {},
        Reason.PATH_TAKEN,
    ),
    (
        "a read-only parent",
        pod(volumeMounts=[{**MOUNT, "mountPath": "/root", "readOnly": True}]),
        {},
        Reason.PATH_TAKEN,
    ),
    ("a device", pod(volumeDevices=[{"name": "v", "devicePath": "/root/policies"}]), {}, Reason.PATH_TAKEN),
    ("our variable", pod(env=[{"name": "PICKLEBALL_MODE", "value": "audit"}]), {}, Reason.NAME_TAKEN),
    ("our volume", {"spec": {**pod()["spec"], "volumes": [{"name": "pickleball-policy"}]}}, {}, Reason.NAME_TAKEN),
    (
        "a spoofed self-test",
        {"spec": {**pod()["spec"], "initContainers": [{"name": "pickleball-self-test-0", "image": "true"}]}},
        {},
        Reason.NAME_TAKEN,
    ),
    ("python -I", pod(command=["python3", "-I", "app.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("python -uE", pod(command=["/usr/bin/python3.11", "-uE", "app.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("python -S in args", pod(args=["python", "-S", "-m", "app"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("python -I in a shell", pod(command=["sh", "-c", "exec python3 -B -I app.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("python -I behind ;", pod(command=["sh", "-c", "true;python3 -I app.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("python -I in a subshell", pod(args=["(python3 -I app.py)&wait"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("-I behind a value of -W", pod(command=["python3", "-W", "ignore", "-I", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("-S behind a value of -X", pod(command=["python3", "-uX", "dev", "-S", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("-E of a debug build", pod(command=["python3.11d", "-E", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("another PYTHONPATH", pod(command=["sh", "-c", "PYTHONPATH=/x python3 a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("one in front", pod(command=["sh", "-c", "export PYTHONPATH=/x:$PYTHONPATH"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("env PYTHONPATH=", pod(command=["env", "PYTHONPATH=/x", "python3", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("unset", pod(command=["bash", "-c", "unset A PYTHONPATH; python3 a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("env -u", pod(command=["env", "-u", "PYTHONPATH", "python3", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("env -i", pod(command=["/usr/bin/env", "-i", "python3", "a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    (
        "a long option",
        pod(command=["python3", "--check-hash-based-pycs", "always", "-I"]),
        {},
        Reason.ENVIRONMENT_IGNORED,
    ),
    (
        "-I from a variable",
        pod(command=["python3", "$(OPTIONS)", "a.py"], env=[{"name": "OPTIONS", "value": "-uI"}]),
        {},
        Reason.ENVIRONMENT_IGNORED,
    ),
    (
        "-I from a shell's variable",
        pod(args=["exec python3 $OPTIONS a.py"], env=[{"name": "OPTIONS", "value": "-u -I"}]),
        {},
        Reason.ENVIRONMENT_IGNORED,
    ),
    ("it runs on", pod(command=["sh", "-c", "PYTHONPATH=${PYTHONPATH}x python3 a.py"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("a longer name", pod(command=["sh", "-c", "PYTHONPATH=$PYTHONPATHX:/x python3"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("single quotes", pod(command=["sh", "-c", "PYTHONPATH='$PYTHONPATH:/x' python3"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("not expanded", pod(command=["env", "PYTHONPATH=$PYTHONPATH:/x", "python3"]), {}, Reason.ENVIRONMENT_IGNORED),
    ("windows", {"spec": {**pod()["spec"], "os": {"name": "windows"}}}, {}, Reason.PLATFORM_UNSUPPORTED),
    (
        "windows nodes",
        {"spec": {**pod()["spec"], "nodeSelector": {"kubernetes.io/os": "windows"}}},
        {},
        Reason.PLATFORM_UNSUPPORTED,
    ),
]


@pytest.mark.parametrize(
    ("template", "spec", "reason"), [case[1:] for case in DENIED], ids=[case[0] for case in DENIED]
)
def test_what_cannot_be_protected_is_denied(template: Template, spec: dict[str, Any], reason: Reason) -> None:
    """Each case has its own reason and a sentence that ends."""
    decision = decide(template, **spec)
    assert isinstance(decision, Deny)
    assert decision.reason is reason
    assert decision.sentence.endswith(".")


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["python3", "-u", "-m", "app", "-I"]},
        {"command": ["python3", "app.py", "-E"]},
        {"command": ["python3", "-c", "print(1)", "-S"]},
        {"command": ["python3", "-W", "ignore", "app.py"]},
        {"command": ["python3", "-Wignore::ImportWarning", "app.py"]},
        {"command": ["sh", "-c", "unbalanced ' quote python3 app.py"]},
        {"args": ["-I"]},
        {"volumeMounts": [{"name": "v", "mountPath": "/root"}]},
        {"volumeMounts": [{"name": "v", "mountPath": "/opt/pickleballs", "readOnly": True}]},
        {"env": [{"name": "PYTHONPATH"}]},
        {"env": [{"name": "PYTHONPATH", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        {"command": ["sh", "-c", "export PYTHONPATH=$PYTHONPATH:/x; exec python3 app.py"]},
        {"command": ["sh", "-c", 'PYTHONPATH="${PYTHONPATH}:/x" python3 app.py']},
        {"command": ["sh", "-c", "echo MY_PYTHONPATH=/x"]},
        {"command": ["env", "A=1", "python3", "app.py"]},
        {"command": ["env", "PYTHONPATH=$(PYTHONPATH):/x", "python3", "app.py"]},
        {"command": ["python3", "app.py", "$(MODE)"], "env": [{"name": "MODE", "value": "--In"}]},
        {"command": ["python3", "app.py"], "env": [{"name": "OTHER", "value": "-I"}]},
    ],
)
def test_what_only_looks_alike_is_injected(container: dict[str, Any]) -> None:
    """Options of the program, parents that can be written, names that only begin like ours."""
    assert isinstance(decide(pod(**container)), Inject)


def full() -> Template:
    """A template with everything that the injection touches."""
    return {
        "metadata": {"labels": {"team": "iris"}, "annotations": {"note": "1"}},
        "spec": {
            "initContainers": [{"name": "fetch", "image": "fetch:1"}],
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "PYTHONPATH", "value": "/app"},
                        {"name": "B", "value": "$(A)"},
                    ],
                    "envFrom": [{"configMapRef": {"name": "more"}}],
                    "securityContext": {"runAsUser": 1000},
                    "volumeMounts": [{"name": "models", "mountPath": "/models"}],
                },
                {"name": "proxy", "image": "proxy:1"},
            ],
            "volumes": [{"name": "models", "emptyDir": {}}],
        },
    }


def test_the_injection_is_idempotent() -> None:
    """What was injected once is recognised, and stays as it is."""
    spec = {
        "model": {"classes": ["lib.Model"], "files": ["/models/a.pkl"]},
        "enforcement": {"containers": ["app", "fetch"]},
    }
    plan = decide(full(), **spec)
    assert isinstance(plan, Inject)
    once = rendered(full(), plan)
    again = decide(once, **spec)
    assert isinstance(again, Skip)
    assert again.reason is Reason.ALREADY_INJECTED
    assert strip(once) == full()


def test_only_exact_equality_counts_as_injected() -> None:
    """Whatever is changed in what we put in, the template is no longer taken as injected."""
    plan = decide(full())
    assert isinstance(plan, Inject)
    once = rendered(full(), plan)
    ours = leaves(once["spec"]["initContainers"][:2], ("spec", "initContainers"))
    assert len(ours) > 20
    for leaf in ours:
        assert not isinstance(decide(altered(once, leaf)), Skip), leaf
    for name in ("PICKLEBALL_POLICY", "PICKLEBALL_MODE", "PYTHONPATH"):
        moved = copy.deepcopy(once)
        (variable,) = [one for one in moved["spec"]["containers"][0]["env"] if one["name"] == name]
        variable["value"] = f"/elsewhere:{variable['value']}"
        assert isinstance(decide(moved), Deny), name


def test_a_pythonpath_of_any_kind_stands_behind_ours() -> None:
    """Literal, from elsewhere, twice: each in its own place behind ours, the self-test sees it as it was."""
    elsewhere = {"name": "PYTHONPATH", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "p"}}}
    own = [{"name": "PYTHONPATH", "value": "/a"}, elsewhere, {"name": "LAST", "value": "$(PYTHONPATH)"}]
    once = rendered(pod(env=own), decide(pod(env=own)))
    assert once["spec"]["initContainers"][1]["env"] == own
    assert once["spec"]["containers"][0]["env"][:4] == [
        {"name": "PYTHONPATH", "value": "/opt/pickleball:/a"},
        {**elsewhere, "name": "PICKLEBALL_OWN_PYTHONPATH"},
        {"name": "PYTHONPATH", "value": "/opt/pickleball:$(PICKLEBALL_OWN_PYTHONPATH)"},
        {"name": "LAST", "value": "$(PYTHONPATH)"},
    ]
    assert strip(once) == pod(env=own)
    assert isinstance(decide(once), Skip)


@pytest.mark.parametrize(
    ("pod_user", "user", "installs_as"), [(None, None, None), (None, 0, 65532), (0, None, 65532), (0, 1000, 1000)]
)
def test_the_installer_runs_as_the_application_but_never_as_root(
    pod_user: int | None, user: int | None, installs_as: int | None
) -> None:
    """A namespace may allow one range of users only; where nobody says, the image's own user, a number, is taken."""
    template = pod(securityContext={"runAsUser": user} if user is not None else {})
    template["spec"]["securityContext"] = {"runAsUser": pod_user} if pod_user is not None else {}
    install = rendered(template, decide(template))["spec"]["initContainers"][0]
    assert install["securityContext"].get("runAsUser") == installs_as
    assert install["securityContext"]["runAsNonRoot"] is True


def test_the_installer_has_the_applications_label_of_selinux() -> None:
    """With another one it could not write into a volume that the application reads."""
    options = {"level": "s0:c1,c2"}
    template = pod(securityContext={"seLinuxOptions": options})
    install = rendered(template, decide(template))["spec"]["initContainers"][0]
    assert install["securityContext"]["seLinuxOptions"] == options


def test_the_injection_asks_for_nothing_beyond_the_application() -> None:
    """Our containers have the application's bounds, and no more: no GPU, no token, no larger pod."""
    amounts = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}
    template = pod(resources={"requests": amounts, "limits": amounts, "claims": [{"name": "gpu"}]})
    install = rendered(template, decide(template))["spec"]["initContainers"][0]
    bounds = {"cpu": "1", "memory": "1Gi"}
    assert install["resources"] == {"requests": bounds, "limits": bounds}
    assert {"name": "pickleball-no-token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            "readOnly": True} in install["volumeMounts"]  # fmt: skip


def test_the_given_template_is_left_alone() -> None:
    """Injecting makes a new template."""
    template = full()
    plan = decide(template)
    assert isinstance(plan, Inject)
    rendered(template, plan)
    assert template == full()


def test_ours_come_first_and_the_model_check_last() -> None:
    """install, self-test, the template's own init containers, then the check of what they may have fetched."""
    plan = decide(full(), model={"classes": ["lib.Model"], "files": ["/models/a.pkl"]})
    order = [one["name"] for one in rendered(full(), plan)["spec"]["initContainers"]]
    assert order == [
        "pickleball-install-0",
        "pickleball-self-test-0",
        "pickleball-witness",
        "fetch",
        "pickleball-verify-0",
    ]


def test_the_self_test_sees_what_the_application_would_have_seen() -> None:
    """Image, user, variables and mounts are the application's own, without our PYTHONPATH, which the rest has."""
    done = rendered(full(), decide(full(), source={"fromImage": {"python": "/opt/py/bin/python"}}))["spec"]
    install, test = done["initContainers"][:2]
    app, proxy = done["containers"]
    own = full()["spec"]["containers"][0]
    assert install["image"] == SETTINGS.enforce_image
    assert test["command"][0] == "/opt/py/bin/python"
    assert (test["image"], test["env"], test["envFrom"], test["securityContext"]) == tuple(
        own[key] for key in ("image", "env", "envFrom", "securityContext")
    )
    assert {"name": "models", "mountPath": "/models"} in test["volumeMounts"]
    assert [one["name"] for one in app["env"]] == [
        *("A", "PYTHONPATH", "B"),
        *("PICKLEBALL_POLICY", "PICKLEBALL_MODE", "PICKLEBALL_REPORTS"),
    ]
    assert {"name": "PYTHONPATH", "value": "/opt/pickleball:/app"} in app["env"]
    ours_mounted = [one for one in app["volumeMounts"] if one["name"].startswith("pickleball-")]
    assert [one["name"] for one in ours_mounted if not one.get("readOnly")] == ["pickleball-reports"]
    assert proxy == full()["spec"]["containers"][1]


def witness_of(template: Template, **spec: Any) -> Template:
    """The witness of an injected template."""
    done = rendered(template, decide(template, **spec))["spec"]["initContainers"]
    (found,) = [one for one in done if one["name"] == "pickleball-witness"]
    return dict(found)


def test_each_container_has_a_folder_of_its_own_for_reports() -> None:
    """It cannot report for another; the witness sees all, and knows whose each one is."""
    done = rendered(full(), decide(full(), enforcement={"containers": ["app", "fetch"]}))["spec"]
    folders = {
        one["name"]: [mount.get("subPath") for mount in one["volumeMounts"] if mount["name"] == "pickleball-reports"]
        for one in (*done["initContainers"], *done["containers"])
        if one.get("volumeMounts")
    }
    assert {name: found for name, found in folders.items() if found} == {
        "app": ["0"],
        "fetch": ["1"],
        "pickleball-witness": [None],
    }
    assert [
        word for word in witness_of(full(), enforcement={"containers": ["app", "fetch"]})["command"] if "=" in word
    ] == [
        "app=0",
        "fetch=1",
    ]


def test_the_witness_takes_a_port_that_no_container_names() -> None:
    """On the node's network, which pods share, it has none and is asked by a file."""
    found = witness_of(pod(ports=[{"containerPort": 9465}, {"containerPort": 9466}]))
    assert found["ports"][0]["containerPort"] == found["readinessProbe"]["httpGet"]["port"] == 9467
    on_node = witness_of({"spec": {**pod()["spec"], "hostNetwork": True}})
    assert "ports" not in on_node
    assert on_node["readinessProbe"]["exec"]["command"] == ["test", "-e", "/run/pickleball/ready"]


@pytest.mark.parametrize("shared", ["hostPID", "shareProcessNamespace"])
def test_the_witness_is_told_when_processes_are_shared(shared: str) -> None:
    """Nobody can tell then who began a process."""
    assert "--shared-processes" in witness_of({"spec": {**pod()["spec"], shared: True}})["command"]
    assert "--shared-processes" not in witness_of(pod())["command"]


def test_a_guaranteed_pod_stays_guaranteed() -> None:
    """The witness asks for what it may use where all others do, and for less elsewhere."""
    amounts = {"cpu": "1", "memory": "1Gi"}
    for resources, guaranteed in (
        ({"limits": amounts}, True),
        ({"limits": amounts, "requests": amounts}, True),
        ({"limits": amounts, "requests": {"cpu": "500m"}}, False),
        ({"limits": {"memory": "1Gi"}}, False),
        ({}, False),
    ):
        own = witness_of(pod(resources=resources))["resources"]
        assert (own["requests"] == own["limits"]) is guaranteed, resources


def test_without_witness_nothing_of_it_is_in_the_pod() -> None:
    """Older clusters have no native sidecars."""
    plan = decide(full())
    done = inject(full(), plan, SETTINGS.model_copy(update={"witness": False}))
    assert "witness" not in str(done)
    assert "reports" not in str(done).lower()
