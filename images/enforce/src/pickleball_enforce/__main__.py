"""The command `pickleball` as `python -m pickleball_enforce`."""

from __future__ import annotations

import sys

from .cli import command

sys.exit(command())
