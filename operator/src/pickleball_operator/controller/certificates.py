"""Make the webhook's certificate, renew it in time, and tell the API server whom to trust, without a gap.

The API server is told of a new authority before anybody serves with what it signed, and of the old one until that runs
out: whichever certificate a pod of the webhook still has, it is trusted.
"""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pickleball_operator import authority
from pickleball_operator.errors import NotFoundError
from pickleball_operator.kube import Kube, Ref
from pickleball_operator.model import duration_in_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_operator.kube import Manifest
    from pickleball_operator.settings import Settings

LOG = logging.getLogger("pickleball.certificates")
SPREAD = 15.0
"""Seconds in which every API server has heard of a new authority."""
SHORTEST, LONGEST = 5.0, 300.0
"""Limits of the seconds between two looks."""
TRUSTED = 5
"""Authorities that are trusted at most."""


@dataclass(frozen=True)
class Kept:
    """What the Secret holds; authorities with the newest first."""

    certificate: bytes
    key: bytes
    authorities: tuple[bytes, ...]


def host(settings: Settings) -> str:
    """The name that the API server calls the webhook by."""
    return f"{settings.webhook_name}.{settings.webhook_namespace}.svc"


def between(settings: Settings) -> float:
    """Seconds between two looks."""
    return min(LONGEST, max(SHORTEST, duration_in_seconds(settings.certificate_lifetime) / 30))


def ensure(kube: Kube, settings: Settings, now: datetime, pause: Callable[[float], None]) -> None:
    """One look: renew what is due, and make the API server trust what is served."""
    lifetime = timedelta(seconds=duration_in_seconds(settings.certificate_lifetime))
    secret = kube.get(Ref("Secret", settings.webhook_namespace, settings.webhook_name))
    kept = read(secret, host(settings))
    if kept is not None and holds(kept.certificate, now) and authority.ends(kept.certificate) - now > lifetime / 3:
        announce(kube, settings, valid(kept.authorities, now))
        return
    fresh = authority.mint(host(settings), now, lifetime)
    before = kept.authorities if kept is not None else announced(kube, settings)
    trusted = valid((fresh.authority, *before), now)
    announce(kube, settings, trusted)
    if before:
        pause(SPREAD)
    store(kube, settings, secret, Kept(fresh.certificate, fresh.key, trusted))
    LOG.info("the webhook has a new certificate until %s", authority.ends(fresh.certificate).isoformat())


def read(secret: Manifest | None, name: str) -> Kept | None:
    """What is kept; None where there is nothing, or nothing that fits together."""
    data = (secret or {}).get("data") or {}
    try:
        content = {key: base64.b64decode(data[key], validate=True) for key in ("tls.crt", "tls.key", "ca.crt")}
        authorities = authority.split(content["ca.crt"])
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None
    kept = Kept(content["tls.crt"], content["tls.key"], tuple(authorities))
    return kept if authority.fits(kept.certificate, kept.key, authorities, name) else None


def holds(certificate: bytes, now: datetime) -> bool:
    """Whether it has begun and not run out: one made by a clock that went wrong is none."""
    return authority.begins(certificate) <= now < authority.ends(certificate)


def valid(authorities: tuple[bytes, ...], now: datetime) -> tuple[bytes, ...]:
    """The newest that hold."""
    return tuple(one for one in authorities if holds(one, now))[:TRUSTED]


def announced(kube: Kube, settings: Settings) -> tuple[bytes, ...]:
    """Whom the API server trusts: with the Secret gone, pods still serve what these have signed."""
    (client, *_) = [one["clientConfig"] for one in _configuration(kube, settings)["webhooks"]]
    try:
        return tuple(authority.split(base64.b64decode(client.get("caBundle") or "")))
    except ValueError:
        return ()


def announce(kube: Kube, settings: Settings, trusted: tuple[bytes, ...]) -> None:
    """Let the API server trust these authorities."""
    configuration = _configuration(kube, settings)
    bundle = base64.b64encode(b"".join(trusted)).decode()
    webhooks = [
        {**one, "clientConfig": {**one["clientConfig"], "caBundle": bundle}} for one in configuration["webhooks"]
    ]
    if webhooks != configuration["webhooks"]:
        version = configuration["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "webhooks": webhooks}
        kube.patch(Ref("MutatingWebhookConfiguration", "", settings.webhook_name), patch)


def _configuration(kube: Kube, settings: Settings) -> Manifest:
    ref = Ref("MutatingWebhookConfiguration", "", settings.webhook_name)
    found = kube.get(ref)
    if found is None:
        raise NotFoundError(f"Reading {ref}", "the chart makes it, and it is gone: run helm upgrade")
    return found


def store(kube: Kube, settings: Settings, secret: Manifest | None, kept: Kept) -> None:
    """Write the Secret that the webhook's pods mount."""
    content = {"tls.crt": kept.certificate, "tls.key": kept.key, "ca.crt": b"".join(kept.authorities)}
    data = {key: base64.b64encode(value).decode() for key, value in content.items()}
    metadata: Manifest = {"name": settings.webhook_name, "namespace": settings.webhook_namespace}
    if secret is not None:
        version = {"resourceVersion": secret["metadata"]["resourceVersion"]}
        kube.patch(Ref("Secret", metadata["namespace"], metadata["name"]), {"metadata": version, "data": data})
        return
    metadata["labels"] = {"app.kubernetes.io/managed-by": "pickleball"}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}
    kube.create(manifest)
