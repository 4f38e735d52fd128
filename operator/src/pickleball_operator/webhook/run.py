"""Run the webhook: settings, connection, certificate, server, and an end that loses no request."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from pickleball_operator.errors import CertificateError
from pickleball_operator.kube.cluster import Cluster
from pickleball_operator.metrics import WebhookMetrics
from pickleball_operator.metrics import serve as expose
from pickleball_operator.render.injection import inject

from .certificate import Certificate
from .known import Known
from .review import answer
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pickleball_operator.decide.injection import Inject
    from pickleball_operator.kube import Kube
    from pickleball_operator.settings import Settings

LOG = logging.getLogger("pickleball.webhook")
END = (signal.SIGTERM, signal.SIGINT)
"""Blocked in all threads and waited for: a handler may wait for a lock that the code which it interrupts holds."""
DRAIN = 6.0
"""Seconds that it serves on after it was told to end: so long others may still be sent here."""


def run(settings: Settings, folder: Path) -> None:
    """Serve until the process is told to end."""
    log(settings)
    signal.pthread_sigmask(signal.SIG_BLOCK, END)
    certificate = Certificate(folder)
    if not await_certificate(certificate, lambda seconds: signal.sigtimedwait(END, seconds) is not None):
        return
    metrics = WebhookMetrics()
    if settings.metrics_port:
        expose(metrics.registry, settings.metrics_port)
    server = serve(settings, certificate, Cluster.connect(), metrics=metrics)
    LOG.info("the webhook serves on port %s", settings.webhook_port)
    signal.sigwait(END)
    server.draining = True
    time.sleep(DRAIN)
    server.shutdown()


def serve(
    settings: Settings, certificate: Certificate, kube: Kube, host: str = "", metrics: WebhookMetrics | None = None
) -> Server:
    """Serve in a thread."""
    counted = metrics or WebhookMetrics()
    known = Known(kube, settings.watch_namespaces)

    def rendered(template: Mapping[str, Any], plan: Inject) -> Mapping[str, Any]:
        return inject(template, plan, settings)

    def judged(result: str, reason: str) -> None:
        counted.injections.labels(result, reason).inc()

    @counted.seconds.time()  # type: ignore[untyped-decorator,unused-ignore]
    def answered(content: bytes) -> bytes:
        return answer(content, known, rendered, judged)

    server = Server(settings.webhook_port, certificate, answered, host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def await_certificate(certificate: Certificate, ended: Callable[[float], bool]) -> bool:
    """Wait until there is one: the controller may be making it. False when the process is told to end.

    `ended` waits so many seconds, or less when the process is told to end: then it is true.
    """
    said = False
    while True:
        try:
            certificate.context()
        except CertificateError as error:
            if not said:
                LOG.warning("waiting for the certificate: %s", error)
            said = True
        else:
            return True
        if ended(1.0):
            return False


def log(settings: Settings) -> None:
    """Write log lines to stderr, in the form that the settings want."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Lines() if settings.log_format == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    """One JSON object for each line, with what is extra in it."""

    KNOWN = frozenset(vars(logging.makeLogRecord({})))

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        extra = {key: value for key, value in vars(record).items() if key not in self.KNOWN}
        line = {"severity": record.levelname.lower(), "message": record.getMessage(), **extra}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({"timestamp": self.formatTime(record), **line}, default=str)
