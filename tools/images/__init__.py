"""Builds the images without a container engine: `python -m tools.images`, or `make images`.

catalogue (what there is) -> bases (Debian root file systems) and contexts (dist/NAME) -> builds (buildah, archives).
Everything that is built is kept in the cache under a name made from its content, so a second run does nothing.
"""
