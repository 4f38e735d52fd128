"""Builds images and prints the path of each archive.

python -m tools.images [--joern DIR] [--context-only] [NAME]...      NAME: as in catalogue.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import builds, contexts
from .catalogue import IMAGES, ImageError


def main() -> int:
    """Build the images that the command line names, all without one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--joern", type=Path, metavar="DIR", help="the folder of the facts extractor's jars")
    parser.add_argument("--context-only", action="store_true", help="make dist/NAME and stop before buildah")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(IMAGES))
    if unknown:
        parser.error(f"no image {', '.join(unknown)}; there are {', '.join(IMAGES)}")
    try:
        for name in chosen.names or IMAGES:
            if chosen.context_only:
                contexts.make(IMAGES[name], chosen.joern)
                print(IMAGES[name].context)
            else:
                print(builds.build(IMAGES[name], chosen.joern))
    except ImageError as problem:
        print(f"images: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
