"""The reconcile loop: observe, decide, render, apply."""
