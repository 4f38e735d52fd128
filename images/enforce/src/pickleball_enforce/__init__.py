"""Enforcement of pickle policies."""
