"""``python -m lake.cli`` is ``lake``."""

from __future__ import annotations

import sys

from lake.cli import main

sys.exit(main())
