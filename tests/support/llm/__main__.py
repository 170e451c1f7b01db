"""Serve a scripted model by hand."""

import argparse
import signal

from support.llm.server import model


def main() -> None:
    """Serve until interrupted; print each call as it ends."""
    parser = argparse.ArgumentParser(prog="python -m support.llm")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", action="append", default=[], help="refuse every other key")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with model(wanted.port) as llm:
        llm.keys |= set(wanted.key)
        print(llm.url, flush=True)
        shown = 0
        try:
            while True:
                calls = llm.until(lambda calls, shown=shown: sum(c.ended != "open" for c in calls) > shown, 1e6)
                shown = sum(c.ended != "open" for c in calls)
                last = calls[-1]
                print(last.number, last.api, last.path, last.model, last.status, last.ended, last.usage, flush=True)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
