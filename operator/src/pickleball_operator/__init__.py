"""Kubernetes operator of PickleBall."""
