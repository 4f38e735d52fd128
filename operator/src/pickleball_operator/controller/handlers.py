"""kopf's part: watch, and put what changed into the queue. Nothing is decided here, and nothing is kept in objects."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import TYPE_CHECKING, Any

import kopf

from pickleball_operator import names
from pickleball_operator.decide.turn import is_over
from pickleball_operator.errors import ConflictError, OperatorError
from pickleball_operator.kube.follow import LISTING, SYNCED, Follower
from pickleball_operator.metrics import Metrics
from pickleball_operator.model import duration_in_seconds

from . import certificates
from .clock import read, utc
from .lead import keep
from .lines import about
from .news import News
from .outcome import Outcome, changes, count
from .owners import concerned
from .queue import AWAY, Key, Queue
from .reconcile import reconcile
from .sweep import Sweep, listed
from .turns import next_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pickleball_operator.kube import Kind, Kube, Manifest
    from pickleball_operator.settings import Settings

    from .lead import Lead

LOG = logging.getLogger("pickleball.controller")
DEPENDENTS: tuple[Kind, ...] = ("Job", "Deployment", "ConfigMap", "Pod")
"""What is followed, a page at a time: kopf would read all pods of the cluster at once when it starts."""
METADATA_ONLY: tuple[Kind, ...] = ("ConfigMap",)
"""Large, and shared by many: what they hold cannot change."""


class Controller:
    """The handlers and their queue."""

    def __init__(
        self, kube: Kube, settings: Settings, clock: Callable[[], str] = utc, lead: Lead | None = None
    ) -> None:
        self.kube = kube
        self.lead = lead
        self.leading = asyncio.Event()
        """Set while this controller may work; it always may where nobody asks for a Lease."""
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.news = News()
        self._known: dict[Key, dict[str, str]] = {}
        self.sweep = Sweep(kube, settings, clock, self.metrics)
        self.queue = Queue(self._work, settings.workers, duration_in_seconds(settings.retry_limit))
        self._tasks: list[asyncio.Task[None]] = []
        self._followers: list[Follower] = []

    async def _work(self, key: Key) -> None:
        await self.leading.wait()
        about.set(self._known.get(key) or {"namespace": key[0], "modeldeployment": key[1]})
        await asyncio.to_thread(self._reconcile, key)

    def _reconcile(self, key: Key) -> None:
        """One look, counted by how it ended."""
        outcome = "error"
        try:
            with self.metrics.reconcile_seconds.time():
                if reconcile(self.kube, self.settings, self.clock, *key, self._told) is None:
                    self._known.pop(key, None)
            outcome = "done"
        except ConflictError:
            outcome = "conflict"
            raise
        finally:
            self.metrics.reconciles.labels(outcome).inc()

    def _told(self, outcome: Outcome) -> None:
        """Count and log what a look came to."""
        self._known[outcome.namespace, outcome.name] = outcome.about
        fields = about.get()
        if fields is not None:
            fields.update(outcome.about)
        count(self.metrics, outcome)
        for condition in changes(outcome):
            LOG.info(
                "%s is %s: %s", condition.type, condition.status, condition.message, extra={"reason": condition.reason}
            )

    def start(self) -> None:
        """Begin to work."""
        self.metrics.queue.set_function(lambda: len(self.queue))
        work = (self.queue.run(), self._resync(), self._sweep())
        self._tasks = [asyncio.create_task(one) for one in work]
        if self.settings.managed_certificate:
            self._tasks.append(asyncio.create_task(self._certify()))
        if self.lead is None:
            self.leading.set()
        else:
            self._tasks.append(asyncio.create_task(keep(self.lead, self.leading)))
        self.metrics.leading.set_function(self.leading.is_set)
        loop = asyncio.get_running_loop()
        spaces = self.settings.watch_namespaces or (None,)
        self._followers = [self._follow(kind, namespace, loop) for kind in DEPENDENTS for namespace in spaces]

    def _follow(self, kind: Kind, namespace: str | None, loop: asyncio.AbstractEventLoop) -> Follower:
        """Be told of the objects of a kind that carry our label."""

        def changes() -> Iterator[tuple[str, Manifest]]:
            return self.kube.changes(kind, namespace, names.PART, whole=kind not in METADATA_ONLY)

        def told(change: str, manifest: Manifest) -> None:
            if change not in (LISTING, SYNCED) and self.news.is_news(change, manifest):
                leaves = kind == "Job" and (change == "DELETED" or is_over(manifest))
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    asyncio.run_coroutine_threadsafe(self.changed(manifest, leaves=leaves), loop)

        return Follower(changes, told, f"{kind}s").start()

    async def stop(self) -> None:
        """Stop working; what was being done is done again by the next controller."""
        for follower in self._followers:
            follower.stop()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.lead is not None and self.leading.is_set():
            self.leading.clear()
            with contextlib.suppress(OperatorError):  # then the next one waits until it has run out
                await asyncio.to_thread(self.lead.release)

    def healthy(self) -> int:
        """How many model deployments wait; an error when nobody works on them."""
        for task in self._tasks:
            if task.done():
                raise OperatorError("the controller's queue has stopped")
        return len(self.queue)

    async def _resync(self) -> None:
        """Look at everything now and then: what no watch shows (a ConfigMap of policy.configMapRef) is seen then."""
        while True:
            await asyncio.sleep(duration_in_seconds(self.settings.resync))
            for namespace in self.settings.watch_namespaces or (None,):
                try:
                    found = await asyncio.to_thread(self._there, namespace)
                except OperatorError as error:
                    LOG.warning("looking at all model deployments failed, it is tried again: %s", error)
                    continue
                for key in found:
                    self.queue.add(key)

    def _there(self, namespace: str | None) -> list[Key]:
        """All that there are."""
        found = listed(self.kube.changes("ModelDeployment", namespace, whole=False))
        return [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in found]

    async def _sweep(self) -> None:
        """Look over all pods now and then."""
        while True:
            await self.leading.wait()
            try:
                concerned = await asyncio.to_thread(self.sweep.look)
            except OperatorError as error:
                LOG.warning("looking over all pods failed, it is tried again: %s", error)
            else:
                for key in concerned:
                    self.queue.add(key)
            await asyncio.sleep(duration_in_seconds(self.settings.sweep))

    async def _certify(self) -> None:
        """Keep the webhook's certificate."""
        while True:
            await self.leading.wait()
            now = read(await asyncio.to_thread(self.clock))
            try:
                await asyncio.to_thread(certificates.ensure, self.kube, self.settings, now, time.sleep)
            except OperatorError as error:
                LOG.warning("the webhook's certificate could not be kept, it is tried again: %s", error)
                await asyncio.sleep(certificates.SHORTEST)
            else:
                await asyncio.sleep(certificates.between(self.settings))

    async def changed(self, body: Any, *, leaves: bool = False) -> None:
        """A dependent object changed or went; `leaves` when it was a Job whose place another may take now."""
        manifest = {"metadata": dict(body["metadata"])}
        pauses = itertools.chain((1, 2, 4, 8), itertools.repeat(AWAY))
        while True:
            try:
                keys = await asyncio.to_thread(concerned, manifest, self.kube)
                if leaves:
                    keys |= await asyncio.to_thread(next_ones, self.kube, self.settings)
            except OperatorError as error:  # nobody tells of this change a second time
                LOG.warning("the owner of %s is not known, it is asked again: %s", manifest["metadata"]["name"], error)
                await asyncio.sleep(next(pauses))
            else:
                break
        for key in keys:
            self.queue.add(key)


def register(controller: Controller, registry: kopf.OperatorRegistry) -> None:
    """Connect the controller with kopf's watch streams."""

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> object:
        # A registry of our own has no handlers that come with kopf; this one needs no cluster DNS.
        return kopf.login_via_client(**arguments)

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: object) -> None:
        configure(settings)
        controller.start()

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: object) -> None:
        await controller.stop()

    @kopf.on.probe(registry=registry)
    async def waiting(**_: object) -> int:
        return controller.healthy()

    @kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)
    async def model_deployment(namespace: str | None, name: str, **_: object) -> None:
        controller.queue.add((namespace or "", name))


class Differences(kopf.DiffBaseStorage):
    """Keeps nothing: no handler asks what has changed, and finding that out takes time with each event."""

    def build(self, **_: object) -> Any:
        """Nothing of an object."""
        return {}

    def fetch(self, **_: object) -> None:
        """Nothing was kept."""

    def store(self, **_: object) -> None:
        """Nothing is written into objects."""


def configure(settings: kopf.OperatorSettings) -> None:
    """Typed in one place: what kopf may do, and under which names."""
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.finalizer = f"{names.GROUP}/none"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP)
    settings.persistence.diffbase_storage = Differences()
    settings.networking.error_backoffs = (1, 2, 5, 10, 30)
    settings.watching.client_timeout = 10 * 60
    settings.watching.reconnect_backoff = 1
