"""The entry: read what was typed, hand it to its command, end with the contract's exit code.

Errors are put into words here, once, on standard error. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

OK, FAILED, USAGE, STOPPED, PIPE = 0, 1, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget(1)
        return PIPE
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:  # noqa: BLE001  the edge: everything becomes one line and a code
        return _failed(error)
    return code


def _dispatch(words: list[str]) -> int:
    shadow = shadowing()
    if shadow:
        print(f"quarterdeck: {shadow}", file=sys.stderr)
        return USAGE
    if words == ["--version"]:
        return _version()
    from tui import grammar  # noqa: PLC0415  argparse is not free

    try:
        args = grammar.parser(words).parse_args(words)
    except SystemExit as leaving:  # the help of one command was printed
        return int(leaving.code or 0)
    if args.version:
        return _version()
    if args.help:
        print(grammar.help_text())
        return OK
    module, _, name = args.does.partition(":")
    import importlib  # noqa: PLC0415

    code: int = getattr(importlib.import_module(f"tui.commands.{module}"), name)(args)
    return code


def _version() -> int:
    from engine.api.version import VERSION  # noqa: PLC0415

    print(f"quarterdeck {VERSION}")
    return OK


def shadowing() -> str:
    """Why the three packages cannot be ours all together: one of them is another's. Empty when all is well."""
    from importlib.util import find_spec  # noqa: PLC0415

    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib costs 5 ms
    for name in ("engine", "workspaces"):
        spec = find_spec(name)
        where = next(iter(spec.submodule_search_locations or ()), spec.origin or "") if spec else ""
        if not where:
            return f"the package {name} is missing beside {ours}/tui; install quarterdeck again"
        if os.path.dirname(os.path.abspath(where)) != ours:  # noqa: PTH100, PTH120
            return (
                f"{where} shadows quarterdeck's own package {name} in {ours}; "
                "move it off Python's path, or install quarterdeck in an environment of its own"
            )
    return ""


def _failed(error: Exception) -> int:
    from tui import troubles  # noqa: PLC0415

    told = troubles.told(error)
    print(f"quarterdeck: {told.text}", file=sys.stderr)
    if told.unexpected and os.environ.get("QUARTERDECK_DEBUG"):
        raise error
    return told.code


def _forget(*descriptors: int) -> None:
    """Nobody reads any more: what is left in the buffers goes nowhere, quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
