"""Proves that this interpreter, in this image, refuses a bad pickle: python3 selftest.py --target DIR.

It runs without the enforcer on PYTHONPATH and parses on Python 2.7, to say there that it is too old.
"""

import os
import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        '{"selftest": "failed", "sentence": "Python %d.%d is not enforced: 3.9 or later is."}\n' % sys.version_info[:2]
    )
    sys.exit(1)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pickleball_enforce.selftest import main

sys.exit(main())
