"""The engine in the mount namespace of another process (QUARTERDECK_NAMESPACE is its pid), where the disk is small."""

from __future__ import annotations

import os
import sys

holder = os.environ["QUARTERDECK_NAMESPACE"]
argv = ["nsenter", f"--mount=/proc/{holder}/ns/mnt", sys.executable, "-P", "-m", "engine.daemon", *sys.argv[1:]]
os.execvp(argv[0], argv)
