"""Inference of pickle policies from library sources."""
