"""Record what real agents print, for the tests of their adapters: `python -m support.record_streams`, from `tests/`.

Each stream is one assignment against the scripted model, as its adapter drove it. Paths of the machine are replaced,
and what says much and means nothing here (lists of commands and skills) is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from support.assignments import Act, Bench
from support.llm import Model, model

from engine.agents.base import Asks, Opened, Session, Tool, Update

STREAMS = Path(__file__).parents[1] / "agents/streams"
LEFT_OUT = {"commands", "models", "output_style", "available_output_styles", "account", "slash_commands", "skills"}
LEFT_OUT |= {
    "availableCommands",
    "availableModels",
    "plugins",
    "agents",
    "capabilities",
    "terminal_slash_commands",
    "pid",
    "mcp_servers",
    "messaging_socket_path",
    "memory_paths",
}
JOB = (
    '[[steps:[{"think": "Where to begin?", "say": "I begin.", "write": ["notes.txt", "one\\n"]}, {"read": "notes.txt"},'
    ' {"edit": ["notes.txt", "one", "two"]}, {"run": "cat notes.txt; exit 3"}, {"answer": "Finished: it says two."}]]]'
)
ACP = {
    "acp-claude": ("claude-agent-acp",),
    "acp-codex": ("codex-acp",),
    "acp-gemini": ("gemini", "--acp"),
    "acp-opencode": ("opencode", "acp"),
    "acp-qwen": ("qwen", "--acp"),
}
"""What speaks the Agent Client Protocol; what was said to it is not recorded."""
MODELS = {"claude": "claude-sonnet-4-5", "codex": "gpt-5.5", "gemini": "gemini-2.5-pro"}
SLEEP = "[[script:sleep]]"


async def _allow(session: Session, update: Update) -> None:
    if isinstance(update, Asks):
        await session.answer(update.id, allow=True)


async def _deny(session: Session, update: Update) -> None:
    if isinstance(update, Asks):
        await session.answer(update.id, allow="forbidden" not in update.command, why="not that one")


async def _interrupt(session: Session, update: Update) -> None:
    await _allow(session, update)
    if isinstance(update, Asks):
        await asyncio.sleep(0.5)
        await session.cancel()


async def _steer(session: Session, update: Update) -> None:
    await _allow(session, update)
    if isinstance(update, Tool) and update.status == "running":
        await session.steer("Mind the gap.")


def _refused(llm: Model) -> None:
    llm.fault(what="status", status=402, times=-1, text="out of money")


def _limited(llm: Model) -> None:
    llm.fault(what="status", status=429, times=1, text="slow down")


def _nothing(_: Model) -> None:
    pass


SCENES: Mapping[str, tuple[str, str, Act, Callable[[Model], None]]] = {
    "claude-job": ("claude", JOB, _allow, _nothing),
    "claude-denied": ("claude", '[[steps:[{"run": "touch forbidden"}, {"answer": "So be it."}]]]', _deny, _nothing),
    "claude-refused": ("claude", JOB, _allow, _refused),
    "claude-limited": ("claude", '[[steps:[{"answer": "At last."}]]]', _allow, _limited),
    "claude-interrupted": ("claude", SLEEP, _interrupt, _nothing),
    "claude-steered": ("claude", '[[steps:[{"run": "true"}, {"run": "true"}, {"answer": "Ok."}]]]', _steer, _nothing),
    "codex-job": ("codex", JOB, _allow, _nothing),
    "codex-refused": ("codex", JOB, _allow, _refused),
    **{f"{name}-job": (name, JOB, _allow, _nothing) for name in ("gemini", "opencode", "pi", "qwen")},
    **{f"{name}-refused": (name, JOB, _allow, _refused) for name in ("gemini", "opencode", "pi", "qwen")},
    **{f"{name}-job": (name, JOB, _allow, _nothing) for name in ACP},
    **{f"{name}-refused": (name, JOB, _allow, _refused) for name in ACP},
}


def record(name: str) -> None:
    """Play a scene and keep what the agent printed."""
    runtime, prompt, act, spoil = SCENES[name]
    with model() as llm, tempfile.TemporaryDirectory(prefix="qd-record-", dir=Path.home()) as folder:
        spoil(llm)
        model_ = MODELS.get(runtime.removeprefix("acp-"), "scripted-1")
        command = ACP.get(runtime, ())
        bench = Bench(Path(folder), "acp" if command else runtime, llm, model=model_, command=command)
        first = asyncio.run(bench.play(prompt, act))
        keep(bench, name)
        if name in ("claude-job", "codex-job"):
            session = [opened.session for opened in first.of(Opened)][-1]
            (bench.folder / "transcript.jsonl").unlink()
            asyncio.run(bench.play('[[steps:[{"answer": "Still here."}]]]', act, session=session))
            keep(bench, f"{runtime}-resumed")


def keep(bench: Bench, name: str) -> None:
    """Clean what it printed and write it down."""
    text = (bench.folder / "transcript.jsonl").read_text().replace(str(bench.clone), "/clone")
    text = text.replace(str(bench.folder), "/agent").replace(str(bench.clone).replace("/", "-"), "-clone")
    text = text.replace(bench.llm.url, "http://127.0.0.1:1").replace(bench.marker, "lane")
    lines = [json.dumps(_without(json.loads(line)), ensure_ascii=False) for line in text.splitlines()]
    STREAMS.mkdir(exist_ok=True)
    (STREAMS / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(part) for key, part in value.items() if key not in LEFT_OUT}
    return [_without(part) for part in value] if isinstance(value, list) else value


if __name__ == "__main__":
    for scene in sys.argv[1:] or SCENES:
        record(scene)
