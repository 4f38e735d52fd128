"""Fetch sources for an analysis: wheels of a package index, a commit of a git repository, a folder.

Whatever arrives is hostile: nothing of it runs, sources alone are kept, within limits.
What was fetched is recorded.
"""
