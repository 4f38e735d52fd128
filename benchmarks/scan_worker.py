"""Scans a file again and again in a running process, with one scanner: `benchmarks.scanners` starts it for each.

Prints the least seconds of the processor of one scan, from the opening of the file to the verdict. The first scan
imports and fills caches: it does not count.
"""

from __future__ import annotations

import sys
import time


def ours():
    """Scan as `pickleball scan` does."""
    from pickleball_enforce.scan import scan_file
    from pickleball_enforce.settings import Settings

    return lambda path: scan_file(path, None, Settings(), digest=False).verdict == "dangerous"


def picklescan():
    """Scan as the command of picklescan does."""
    from picklescan.scanner import scan_file_path

    return lambda path: scan_file_path(path).infected_files == 1


def main():
    """Time the scans."""
    scan, path, count = {"ours": ours, "picklescan": picklescan}[sys.argv[1]](), sys.argv[2], int(sys.argv[3])
    seconds = []
    for _ in range(1 + count):
        start = time.process_time()
        found = scan(path)
        seconds.append(time.process_time() - start)
        if not found:
            raise SystemExit("it did not find the call")
    print(min(seconds[1:]))


main()
