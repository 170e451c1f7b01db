"""The engine where no file may grow beyond QUARTERDECK_LONGEST bytes: its record is what gets there first."""

from __future__ import annotations

import os
import resource
import sys

sys.dont_write_bytecode = True  # cut short at the limit, as our record is, it would break all tests after this one

from engine.daemon import main  # noqa: E402

longest = int(os.environ["QUARTERDECK_LONGEST"])
resource.setrlimit(resource.RLIMIT_FSIZE, (longest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
if __name__ == "__main__":
    sys.exit(main())
