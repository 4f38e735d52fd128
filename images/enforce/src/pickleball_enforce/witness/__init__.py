"""`pickleball witness`: runs beside an application, reads what its processes report, and says how it stands.

    processes -> starts.jsonl, violations.jsonl -> tail -> account -> readiness, metrics, log

It holds no credentials and asks nobody. What it reads is written by the application's containers: bounded, and read
with suspicion.
"""

from __future__ import annotations

from .command import main

__all__ = ["main"]
