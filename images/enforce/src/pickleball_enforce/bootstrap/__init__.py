"""Scripts that Python runs at its start: `pickleball run` puts this folder on PYTHONPATH, `install` copies them."""
