"""One controller works at a time: it holds a Lease in what it serves, as the cluster's own controllers do.

Two that are there by mistake (two replicas, two releases) would undo what the other does, for ever, where their
settings differ. The second one waits, says so, and takes over when the first is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from pickleball_operator.errors import ConflictError, KubeError
from pickleball_operator.kube import Ref

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pickleball_operator.kube import Kube, Manifest
    from pickleball_operator.settings import Settings

LOG = logging.getLogger("pickleball.lead")
NAME = "pickleball-controller"
EVERYWHERE = "kube-system"
"""Holds the Lease of a controller that serves all namespaces, wherever it is installed."""
LIFETIME = 15.0
"""Seconds after which a Lease that nobody renews is free."""
DEADLINE = 10.0
"""Seconds without a renewal after which its holder stops working: before anybody else begins."""
PAUSE = 3.0
"""Seconds between two attempts."""


class Lead:
    """The Leases of one controller. Whether another one's has run out is told by how long it stays the same."""

    def __init__(
        self, kube: Kube, settings: Settings, identity: str, now: Callable[[], datetime],
        passed: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._kube = kube
        self._refs = [Ref("Lease", space, NAME) for space in settings.watch_namespaces or (EVERYWHERE,)]
        self._identity = identity
        self._now = now
        self._passed = passed
        self._seen: dict[Ref, tuple[Any, float]] = {}
        """What each Lease of another holder says, and since when it has said that."""
        self.other = ""
        """Who holds one instead, as the last attempt found."""
        self.told = ""
        """The one that was last spoken of."""

    def take(self) -> bool:
        """Take or renew all of them; False while another controller has one."""
        self.other = ""
        taken = [self._take(ref) for ref in self._refs]  # each one, so that none of ours runs out meanwhile
        return all(taken)

    def release(self) -> None:
        """Let the next one begin at once."""
        for ref in self._refs:
            found = self._kube.get(ref)
            if found is not None and _holder(found) == self._identity:
                self._write(ref, found, "")

    def _take(self, ref: Ref) -> bool:
        found = self._kube.get(ref)
        holder = _holder(found)
        if found is None:
            self._kube.create(self._lease(ref))
        elif holder in ("", self._identity) or self._has_run_out(ref, found):
            self._write(ref, found, self._identity)
        else:
            self.other = f"{holder} (Lease {ref.namespace}/{ref.name})"
            return False
        self._seen.pop(ref, None)
        return True

    def _has_run_out(self, ref: Ref, found: Manifest) -> bool:
        said = found.get("spec")
        known, since = self._seen.get(ref, (None, 0.0))
        if known != said:
            self._seen[ref] = said, self._passed()
            return False
        return self._passed() - since > LIFETIME

    def _write(self, ref: Ref, found: Manifest, holder: str) -> None:
        spec = {"holderIdentity": holder, "leaseDurationSeconds": int(LIFETIME), "renewTime": self._time()}
        if holder != _holder(found):
            spec["acquireTime"] = spec["renewTime"]
        self._kube.patch(ref, {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "spec": spec})

    def _lease(self, ref: Ref) -> Manifest:
        times = dict.fromkeys(("acquireTime", "renewTime"), self._time())
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {"holderIdentity": self._identity, "leaseDurationSeconds": int(LIFETIME), **times},
        }

    def _time(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _holder(found: Manifest | None) -> str:
    return str(((found or {}).get("spec") or {}).get("holderIdentity") or "")


async def keep(lead: Lead, leading: asyncio.Event) -> None:
    """Try again and again; the event is set while this controller may work."""
    renewed = time.monotonic()
    while True:
        attempt = asyncio.create_task(asyncio.to_thread(lead.take))
        await asyncio.wait({attempt}, timeout=max(0.0, DEADLINE - (time.monotonic() - renewed)))
        if not attempt.done():
            _say(lead, leading, taken=False)
        try:
            taken = await attempt
        except ConflictError:
            taken = False
        except KubeError as error:
            LOG.warning("the Lease cannot be had, it is tried again: %s", error)
            taken = leading.is_set() and time.monotonic() - renewed < DEADLINE
        else:
            renewed = time.monotonic()
        _say(lead, leading, taken=taken)
        await asyncio.sleep(PAUSE)


def _say(lead: Lead, leading: asyncio.Event, *, taken: bool) -> None:
    if taken and not leading.is_set():
        LOG.info("this controller has the Lease, and works")
        leading.set()
    elif not taken and leading.is_set():
        LOG.warning("this controller has not the Lease any more, and waits")
        leading.clear()
    if lead.other not in ("", lead.told):
        LOG.warning("another controller works: %s. This one waits; uninstall one of the two", lead.other)
    lead.told = lead.other
