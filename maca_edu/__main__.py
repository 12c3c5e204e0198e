"""`python -m maca_edu` does what `maca-edu` does."""

import sys

from maca_edu.cli import main

sys.exit(main())
