"""Whether an environment on PATH imports the repository itself: an editable install.

Whoever imports such a package in another tree gets the person's checkout. Where programs are confined the tree under
judgement lies at the checkout's own path, so that a gate judges that tree; without confinement it would judge the wrong
one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse


def editable_installs(root: Path, path: str) -> list[str]:
    """Names of packages that the Python first on `path` (a PATH) has installed from a folder in `root`, editably."""
    found = (shutil.which(name, path=path) for name in ("python", "python3"))
    prefixes = dict.fromkeys(Path(program).parent.parent for program in found if program)
    return sorted({name for prefix in prefixes for name in _installed(prefix, root.resolve())})


def _installed(prefix: Path, root: Path) -> Iterator[str]:
    """A package's `direct_url.json` says where it came from (https://packaging.python.org, direct URL origin)."""
    for origin in prefix.glob("lib/python3*/site-packages/*.dist-info/direct_url.json"):
        try:
            said = json.loads(origin.read_bytes())
            folder = Path(unquote(urlparse(str(said["url"])).path))
            editable = said["dir_info"]["editable"] is True
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if editable and folder.resolve().is_relative_to(root):
            yield origin.parent.name.partition("-")[0]
