"""The API server as one small port: a real adapter and an in-memory double."""
