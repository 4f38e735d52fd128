"""The webhook's certificate: made, renewed before it runs out, and trusted at every moment."""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.test_webhook import HOST, Running, running
from tests.emulated.world import SETTINGS

from pickleball_operator import authority
from pickleball_operator.controller.certificates import ensure, read
from pickleball_operator.errors import NotFoundError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.memory import Memory

if TYPE_CHECKING:
    from pathlib import Path

NAME, NAMESPACE = HOST.split(".")[:2]
MANAGED = SETTINGS.model_copy(
    update={"webhook_name": NAME, "webhook_namespace": NAMESPACE, "certificate_lifetime": "90m"}
)
SECRET, CONFIGURATION = Ref("Secret", NAMESPACE, NAME), Ref("MutatingWebhookConfiguration", "", NAME)
START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=62)


@pytest.fixture
def kube() -> Memory:
    """An API server with what the chart makes."""
    memory = Memory()
    client = {"service": {"name": NAME, "namespace": NAMESPACE, "path": "/inject"}}
    webhooks = [{"name": "pods.pickleball.dev", "clientConfig": client, "failurePolicy": "Fail"}]
    memory.create(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": webhooks,
        }
    )
    return memory


def look(kube: Memory, minutes: float = 0, pauses: list[float] | None = None) -> None:
    """One look of the controller, so many minutes after the start."""
    ensure(kube, MANAGED, START + timedelta(minutes=minutes), (pauses if pauses is not None else []).append)


def content(kube: Memory, key: str) -> bytes:
    """A value of the Secret."""
    secret = kube.get(SECRET)
    assert secret is not None
    return base64.b64decode(secret["data"][key])


def trusted(kube: Memory) -> bytes:
    """Whom the API server trusts."""
    configuration = kube.get(CONFIGURATION)
    assert configuration is not None
    (webhook,) = configuration["webhooks"]
    assert webhook["failurePolicy"] == "Fail"
    return base64.b64decode(webhook["clientConfig"]["caBundle"])


def test_the_first_certificate_is_made_and_trusted(kube: Memory) -> None:
    """For the Service's name, in a Secret of the TLS type; the authority's key is kept nowhere."""
    look(kube)
    secret = kube.get(SECRET)
    assert secret is not None
    assert secret["type"] == "kubernetes.io/tls"
    assert set(secret["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert trusted(kube) == content(kube, "ca.crt")
    assert authority.fits(content(kube, "tls.crt"), content(kube, "tls.key"), [trusted(kube)], HOST)
    assert not authority.fits(content(kube, "tls.crt"), content(kube, "tls.key"), [trusted(kube)], "other.svc")


def test_nothing_is_written_while_nothing_is_due(kube: Memory) -> None:
    """A look at a certificate that has time left changes nothing."""
    look(kube)
    before = list(kube.writes)
    look(kube, 59)
    assert kube.writes == before


def test_it_is_renewed_with_a_third_left_and_the_old_authority_stays_until_it_ends(kube: Memory) -> None:
    """The API server hears of the new authority before the Secret has what it signed."""
    look(kube)
    old = trusted(kube)
    pauses: list[float] = []
    kube.writes.clear()
    look(kube, 61, pauses)
    assert [ref.kind for _, ref in kube.writes] == ["MutatingWebhookConfiguration", "Secret"]
    assert len(pauses) == 1
    new = content(kube, "ca.crt").removesuffix(old)
    assert trusted(kube) == new + old
    look(kube, 91)
    assert trusted(kube) == new


@pytest.mark.parametrize("days", [-200, 200])
def test_a_certificate_that_a_wrong_clock_made_is_replaced(kube: Memory, days: int) -> None:
    """It has run out or has not begun, so that the API server does not take it: the next look makes another."""
    look(kube, days * 24 * 60)
    wrong = content(kube, "tls.crt")
    look(kube)
    assert content(kube, "tls.crt") != wrong
    assert trusted(kube) == content(kube, "ca.crt")
    assert authority.begins(content(kube, "tls.crt")) <= START < authority.ends(content(kube, "tls.crt"))
    assert len(authority.split(trusted(kube))) == 1


def test_a_crash_between_the_two_writes_is_made_good(kube: Memory) -> None:
    """An authority that signed nothing is forgotten, and the one in use stays trusted throughout."""
    look(kube)
    old = trusted(kube)

    def crash(_verb: str, ref: Ref) -> None:
        if ref.kind == "Secret":
            raise NotFoundError("Patching", "crash")

    kube.before = crash
    with pytest.raises(NotFoundError):
        look(kube, 61)
    assert trusted(kube).endswith(old)
    kube.before = lambda _verb, _ref: None
    look(kube, 62)
    assert trusted(kube) == content(kube, "ca.crt")
    assert trusted(kube).endswith(old)
    assert len(authority.split(trusted(kube))) == 2


def test_what_helm_or_a_person_removed_is_put_back(kube: Memory) -> None:
    """A bundle that is gone, a Secret that does not fit together."""
    look(kube)
    kept = trusted(kube)
    configuration: Any = kube.get(CONFIGURATION)
    del configuration["webhooks"][0]["clientConfig"]["caBundle"]
    kube.patch(CONFIGURATION, {"webhooks": configuration["webhooks"]})
    look(kube, 1)
    assert trusted(kube) == kept
    kube.patch(SECRET, {"data": {"tls.key": base64.b64encode(b"x").decode()}})
    look(kube, 2)
    assert read(kube.get(SECRET), HOST) is not None
    assert trusted(kube) == content(kube, "ca.crt")
    assert trusted(kube).endswith(kept), "pods still serve what the lost Secret held"
    for minute in range(3, 12):
        kube.delete(SECRET)
        look(kube, minute)
    assert len(authority.split(trusted(kube))) == 5


def test_without_a_configuration_it_says_what_to_do(kube: Memory) -> None:
    """The chart makes it."""
    kube.delete(CONFIGURATION)
    with pytest.raises(NotFoundError, match="helm upgrade"):
        look(kube)


def test_a_renewal_has_no_gap(kube: Memory, tmp_path: Path) -> None:
    """At every step of a renewal, handshakes hold with the certificate of before and of after, each over real TLS."""
    look(kube)
    with running(tmp_path) as webhook:
        mount(kube, webhook)
        steps = 0

        def handshake(*_: object) -> None:
            nonlocal steps
            steps += 1
            webhook.trusted = trusted(kube)
            assert webhook.ask("GET", "/readyz")[0] == 200

        kube.before = handshake
        ensure(kube, MANAGED, START + timedelta(minutes=61), handshake)
        kube.before = lambda _verb, _ref: None
        handshake()
        mount(kube, webhook)
        handshake()
        assert steps == 5
        webhook.trusted = authority.split(trusted(kube))[1]
        with pytest.raises(ssl.SSLCertVerificationError):
            webhook.connect()


def mount(kube: Memory, webhook: Running) -> None:
    """What the kubelet does, sooner or later."""
    for key in ("tls.crt", "tls.key"):
        (webhook.folder / key).write_bytes(content(kube, key))
