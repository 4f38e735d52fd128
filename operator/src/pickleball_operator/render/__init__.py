"""Manifests, made from decisions."""
