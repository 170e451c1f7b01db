"""The engine that dies at the n-th line it executes on a message's way (n is QUARTERDECK_DIES_AT), by SIGKILL.

The way is that of one draft from the outbox over the record to the inbox. With the draft gone it ends with `TOOK_IT`.
Without n it lives on; never does it ask whether to go on with work that was interrupted so often.
"""

from __future__ import annotations

import os
import signal
import sys
from types import CodeType, FrameType
from typing import Any

from engine.core import approvals
from engine.daemon import main
from engine.messages import files, mailbox
from engine.runtime.post import Post
from engine.runtime.record import Record

TOOK_IT = 77
ACCEPTS = Post._accept.__code__
WAY: set[CodeType] = {
    ACCEPTS,
    *(part.__code__ for part in (Post.deliver, mailbox.deliver, files.write_new, mailbox.take)),
    *(part.__code__ for part in (Record._written, Record._release)),
}


class Fate:
    """Counts the lines of the way, from a draft's acceptance on."""

    def __init__(self, lines: int) -> None:
        self._left, self._begun = lines, False

    def called(self, frame: FrameType, _: str, __: Any) -> Any:
        """Follow the calls that are on the way."""
        self._begun = self._begun or frame.f_code is ACCEPTS
        return self.went_on if self._begun and frame.f_code in WAY else None

    def went_on(self, frame: FrameType, event: str, _: Any) -> Any:
        """Die where it is due."""
        if event == "line":
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        elif event == "return" and frame.f_code is mailbox.take.__code__:
            os._exit(TOOK_IT)
        return self.went_on


if __name__ == "__main__":
    approvals.MAX_INTERRUPTIONS = sys.maxsize
    if "QUARTERDECK_DIES_AT" in os.environ:
        sys.settrace(Fate(int(os.environ["QUARTERDECK_DIES_AT"])).called)
    sys.exit(main())
