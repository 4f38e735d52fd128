"""Run the controller: settings, connection, logs, kopf."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import kopf

from pickleball_operator.kube.cluster import Cluster
from pickleball_operator.metrics import serve

from .clock import written
from .handlers import Controller, register
from .lead import Lead
from .lines import carry

if TYPE_CHECKING:
    from pickleball_operator.settings import Settings

LOG = logging.getLogger("pickleball.controller")


def run(settings: Settings) -> None:
    """Work until the process is told to stop."""
    kopf.configure(
        verbose=settings.log_level == "debug",
        quiet=settings.log_level in ("warning", "error"),
        log_format=kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL,
    )
    for noisy in ("aiohttp.access", "urllib3", "kopf.objects", "kopf.activities"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    carry()
    registry = kopf.OperatorRegistry()
    kube = Cluster.connect()
    lead = Lead(Cluster.connect(), settings, socket.gethostname(), kube.now)  # its renewals wait for nothing else
    controller = Controller(kube, settings, lambda: written(kube.now()), lead)
    kube.told = lambda method: controller.metrics.requests.labels(method).inc()
    register(controller, registry)
    if settings.metrics_port:
        serve(controller.metrics.registry, settings.metrics_port)
    LOG.info("the controller starts; namespaces: %s", ", ".join(settings.watch_namespaces) or "all")
    asyncio.run(
        kopf.operator(
            registry=registry,
            standalone=True,
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
        )
    )
