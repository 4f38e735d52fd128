"""Kubernetes operator of PickleBall: analyses model libraries and injects the enforcer into pods."""

__version__ = "0.1.0"
