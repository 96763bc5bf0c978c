"""``python -m c2l``, the same as the command ``c2l``."""

import sys

from c2l.cli.app import main

sys.exit(main())
