"""The engine where no file may grow beyond QUARTERDECK_LONGEST bytes: its record is what gets there first."""

from __future__ import annotations

import os
import resource
import sys

from engine.daemon import main

longest = int(os.environ["QUARTERDECK_LONGEST"])
resource.setrlimit(resource.RLIMIT_FSIZE, (longest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
if __name__ == "__main__":
    sys.exit(main())
