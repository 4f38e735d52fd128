"""Inference of pickle policies from library sources."""

__version__ = "0.1.0"
