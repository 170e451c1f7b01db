"""`status` for people: the run, who does what since when on what evidence, the tasks, what waits for a person.

Reads the object that `status --json` prints, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.guarded import NAMED
from tui import cells
from tui.faces import AGENT_FACES, TASK_FACES, run_face
from tui.headless.confinement import calm, confinement
from tui.headless.look import Look
from tui.headless.moments import hour, span
from tui.headless.rows import pairs
from tui.headless.table import Cell, table

Json = Mapping[str, Any]


def status_lines(status: Json, look: Look, *, now: float) -> list[str]:
    """Everything `status` shows. `now` is seconds since the epoch, for the ages."""
    run = status.get("run")
    tier = status.get("confinement") or {}
    label = str(tier.get("label", ""))
    lines = _run(run, label, look) if run else ["no run yet; start one with `quarterdeck run`"]
    lines += confinement(label, tier.get("holes") or (), look) if run else []
    lines += _section("Agents", [_agent(agent, now) for agent in status.get("agents", ())], look)
    lines += _section("Providers", [_provider(one, now) for one in status.get("providers", ())], look)
    lines += _section("Tasks", [_task(task) for task in status.get("tasks", ())], look)
    lines += _approvals(status.get("approvals", ()), look)
    return [*lines, "", look.ink(_engine(status.get("engine")), "dim"), *_bus(status.get("bus") or {}, look)]


def approval_lines(approvals: Sequence[Json], look: Look) -> list[str]:
    """What waits for a person, each with the commands that decide it."""
    lines: list[str] = []
    for approval in approvals:
        leave = approval.get("leave") or {}
        name = _short(str(approval.get("id", "")), leave=bool(leave))
        lines += [f"{look.state('ask', name)}", *(f"    {row}" for row in _asked(approval, look))]
        always = " [--always]" if leave.get("always") else ""
        told = f"    quarterdeck approve {name}{always}   or   quarterdeck deny {name}{always}"
        lines.append(look.ink(told, "dim"))
    return lines


def rule_lines(rules: Sequence[Json]) -> list[str]:
    """What was answered once and for all, with the number that `--forget` takes."""
    told = (f"{rule['pool']} may {'always' if rule['allow'] else 'never'}: {rule['signature']}" for rule in rules)
    return [f"{number:>3}  {cells.plain(text)}" for number, text in enumerate(told, 1)]


def _asked(approval: Json, look: Look) -> list[str]:
    """The question, and every file that is to be granted where it names but a few of them."""
    files = approval.get("files") or ()
    told = [f"- {file.get('path', '')}: {file.get('why', '')}" for file in files if len(files) > NAMED]
    rows = [str(approval.get("what", "")), *told, *_leave(approval.get("leave") or {})]
    return [line for row in rows for line in cells.wrap(cells.plain(row), look.left(4))]


def _leave(leave: Json) -> list[str]:
    """What is known besides of what an agent wants to use: its own words, the files it names, why it is asked."""
    command, title, why = str(leave.get("command") or ""), str(leave.get("title") or ""), leave.get("why")
    told = [f"it calls it: {title}"] if title and title not in command else []
    told += [f"it says: {why}"] if why else []
    return told + [f"- {path}" for path in leave.get("paths") or () if command]


def _short(name: str, *, leave: bool = False) -> str:
    return cells.plain(name.rpartition("/")[2] if leave else name.partition("/")[2] or name)


def _run(run: Json, label: str, look: Look) -> list[str]:
    state = str(run.get("state", ""))
    head = [look.ink(f"run {cells.plain(str(run.get('id', '')))}", "bold"), look.state(run_face(state), state)]
    told = [
        ("goal", str(run.get("goal", ""))),
        ("reason", str(run.get("reason") or "")),
        ("pattern", f"{run.get('pattern', '')} onto {run.get('target', '')}"),
        ("used", _used(run)),
        ("confined", calm(label)),
    ]
    return [look.dot.join(head), *pairs(told, look)]


def _used(of: Json) -> str:
    tokens = of.get("tokens") or {}
    count = sum(tokens.values()) if isinstance(tokens, Mapping) else int(tokens)
    usd = str(of.get("usd") or "0")
    money = f"{usd} usd" if usd.strip("0.") else ""
    limit = _amount(of.get("budget"))
    told = ", ".join(part for part in (f"{count:,} tokens" if count else "", money) if part) or "nothing"
    return f"{told}{f' (budget {limit})' if limit else ''}"


def _amount(limit: object) -> str:
    if not isinstance(limit, Mapping):
        return str(limit or "")
    parts = [f"{limit['usd']} usd"] if limit.get("usd") else []
    parts += [f"{limit['tokens']:,} tokens"] if limit.get("tokens") else []
    return " and ".join(parts)


def _agent(agent: Json, now: float) -> list[Cell]:
    state = str(agent.get("state", ""))
    runtime = str(agent.get("runtime", ""))
    held = f", held by a {agent['held']}" if agent.get("held") else ""
    name = f"{agent.get('name', '')}{' (scripted)' if runtime == 'scripted' else ''}"
    return [
        Cell(name),
        Cell(state, AGENT_FACES.get(state, "note")),
        Cell(_age(agent.get("since"), now)),
        Cell(str(agent.get("task") or "")),
        Cell(f"{_evidence(agent.get('evidence'))}{held}", loose=True),
    ]


def _provider(provider: Json, now: float) -> list[Cell]:
    until, to = provider.get("until"), provider.get("to")
    told = [f"until {hour(until)}" if until and until > now else "", f"now {to}" if to else "", str(provider["why"])]
    return [
        Cell(f"{provider['provider']}/{provider['model']}"),
        Cell(str(provider["what"]), "wait"),
        Cell(_age(provider.get("since"), now)),
        Cell(", ".join(filter(None, told)), loose=True),
    ]


def _age(since: object, now: float) -> str:
    return span(now - since) if isinstance(since, int | float) and since else ""


def _evidence(evidence: object) -> str:
    if isinstance(evidence, Mapping):
        return ", ".join(f"{name} {value}" for name, value in evidence.items() if value not in (None, "", []))
    if isinstance(evidence, list | tuple):
        return ", ".join(map(_evidence, evidence))
    return "" if evidence is None else str(evidence)


def _task(task: Json) -> list[Cell]:
    state = str(task.get("state", ""))
    attempts = task.get("attempts") or 0
    commit = str(task.get("commit") or "")[:7]
    after = ", ".join(task.get("after") or ()) if state == "waiting" else ""
    rests_on = _evidence(task.get("evidence")) or str(task.get("title") or "")
    graded = f"{task['outcome']}: " if task.get("outcome") else ""
    told = [commit, f"after {after}" if after else "", f"{graded}{rests_on}"]
    return [
        Cell(str(task.get("id", ""))),
        Cell(state.replace("_", " "), TASK_FACES.get(state, "note")),
        Cell(f"{attempts}x" if attempts else ""),
        Cell(str(task.get("agent") or "")),
        Cell("  ".join(part for part in told if part), loose=True),
    ]


def _section(title: str, rows: list[list[Cell]], look: Look) -> list[str]:
    return ["", look.ink(title, "bold"), *table(rows, look)] if rows else []


def _approvals(approvals: Sequence[Json], look: Look) -> list[str]:
    return ["", look.ink("Waits for you", "bold"), *approval_lines(approvals, look)] if approvals else []


def _engine(engine: Json | None) -> str:
    if engine is None:
        return "no engine runs here; this is what the record says"
    return f"engine: process {engine['pid']}, version {engine['version']}, event {engine['seq']}"


def _bus(bus: Json, look: Look) -> list[str]:
    """Where the bus is, or why it is not there; nothing where nobody asked for one."""
    if bus.get("state") == "up":
        return [look.ink(cells.plain(f"bus: {bus.get('provider', '')} on 127.0.0.1:{bus.get('port', '')}"), "dim")]
    reason = cells.plain(str(bus.get("reason") or ""))
    return [f"bus {bus.get('state')}: {reason}"] if reason else []
