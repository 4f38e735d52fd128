"""One recipe for each library: how its models are built by its public API, without anything from a hub."""
