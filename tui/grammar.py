"""What can be said on the command line: every command with its arguments, and the help.

The help shows the verbs of daily life first. Only this version's commands are here. Nothing is imported but argparse,
because every start pays for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

Parser = argparse.ArgumentParser
DAILY, PEOPLE, AGENTS, RECORD, HERE = "Daily life", "Deciding", "Agents", "The record", "This installation"
PATTERNS = "solo, pipeline or parallel"


class UsageError(Exception):
    """What was typed is no command; the message says what would be."""


class Words(argparse.ArgumentParser):
    """A parser that raises instead of printing and leaving."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the way out."""
        raise UsageError(f"{message}; see `{self.prog} --help`")


class Command(NamedTuple):
    """One command. `does` is `module:function` in `tui.commands`; `json`: it prints data."""

    name: str
    group: str
    help: str
    does: str
    arguments: Callable[[Parser], object] = lambda _: None
    json: bool = True


def parser(typed: Sequence[str] | None = None) -> Parser:
    """The whole grammar; given what was typed, of other commands only their names, because each costs a start."""
    words = Words(prog="quarterdeck", allow_abbrev=False, add_help=False, usage="quarterdeck [COMMAND] [--repo DIR]")
    words.add_argument("--version", action="store_true")
    words.add_argument("--help", "-h", action="store_true")
    _common(words, json=True)
    words.set_defaults(does="dashboard:here")
    commands = words.add_subparsers(dest="command", metavar="COMMAND", parser_class=Words, prog="quarterdeck")
    for command in COMMANDS:
        if typed is not None and command.name not in typed:
            commands.add_parser(command.name, add_help=False)
            continue
        one = commands.add_parser(command.name, description=_sentence(command.help), allow_abbrev=False)
        _common(one, json=command.json, default=argparse.SUPPRESS)
        one.set_defaults(does=command.does)
        command.arguments(one)
    return words


def help_text() -> str:
    """What `quarterdeck --help` prints."""
    size = max(len(command.name) for command in COMMANDS) + 2
    lines = ["usage: quarterdeck [COMMAND] [--repo DIR]      (short: qd)", ""]
    lines += ["A goal becomes verified, merged work: coding agents in clones of your repository.", ""]
    for group in (DAILY, PEOPLE, AGENTS, RECORD, HERE):
        lines += [f"{group}:"]
        lines += [f"  {command.name:<{size}}{command.help}" for command in COMMANDS if command.group == group]
        lines += [""]
    lines += [
        "Without a command: the dashboard; without a terminal: the status. COMMAND --help tells more of one.",
        "",
    ]
    lines += ["Exit codes: 0 verified, 1 failed, 2 usage or configuration, 3 budget, 4 waits for a person,"]
    return "\n".join([*lines, "            5 refused for safety, 130 stopped by you"])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _common(one: Parser, *, json: bool, default: object = None) -> None:
    one.add_argument("--repo", metavar="DIR", default=default, help="the repository; default: around this folder")
    if json:
        off = default if default is argparse.SUPPRESS else False
        one.add_argument("--json", action="store_true", default=off, help="print JSON")


def _demo(one: Parser) -> None:
    one.add_argument("name", metavar="NAME", nargs="?", help="default: todo_api, with --agent hello_fix")
    one.add_argument("--agent", metavar="A", help="a real agent, such as claude, in place of scripts; it costs money")
    one.add_argument("--budget", metavar="AMOUNT", help="with --agent: what it may cost at most; default: 1usd")
    one.add_argument("--yes", action="store_true", help="with --agent: start without asking")
    one.add_argument("--headless", action="store_true", help="print lines, open no screen")
    one.add_argument("--speed", type=_speed, metavar="X", default=1.0, help="2 plays the scripts twice as fast")
    one.add_argument("--keep", metavar="DIR", help="make the repository there: a new or an empty folder")


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1000")
    return value


def _init(one: Parser) -> None:
    one.add_argument("--yes", action="store_true", help="write the file without asking")


def _run(one: Parser) -> None:
    one.add_argument("goal", metavar="GOAL", nargs="?", default="", help="what is to be done, in words")
    one.add_argument("--plan", metavar="FILE", help="tasks to do, as TOML or JSON; - reads standard input")
    one.add_argument("--pattern", metavar="P", help=PATTERNS)
    one.add_argument("--agent", metavar="A", help="who works on what the plan leaves open")
    one.add_argument("--budget", metavar="AMOUNT", help="what the run may use, such as 5usd or 200ktok")
    one.add_argument("--target", metavar="BRANCH", help="the branch to merge into")
    one.add_argument("--record", metavar="FILE", help="keep what passes between agents and models, to play it again")
    one.add_argument("--replay", metavar="FILE", help="answer agents from such a file; no model is asked")
    one.add_argument("--resume", action="store_true", help="go on with the unfinished run")
    one.add_argument("--headless", action="store_true", help="print lines, open no screen")
    one.add_argument("--unconfined", action="store_true", help="accept that agents are not confined")
    one.add_argument("--allow-red", action="store_true", help="start although the gate is red on the base")


def _one_or_all(one: Parser) -> None:
    whom = one.add_mutually_exclusive_group(required=True)
    whom.add_argument("agent", metavar="AGENT", nargs="?", help="its name, such as builder-1")
    whom.add_argument("--all", action="store_true", help="every agent")


def _send(one: Parser) -> None:
    one.add_argument("agent", metavar="AGENT")
    one.add_argument("text", metavar="TEXT")


def _approvals(one: Parser) -> None:
    which = one.add_mutually_exclusive_group()
    which.add_argument("--rules", action="store_true", help="what was answered once and for all, with numbers")
    which.add_argument("--forget", metavar="N", type=_seq, help="be asked again about the rule with this number")


def _approve(one: Parser) -> None:
    one.add_argument(
        "id", metavar="ID", help="as `quarterdeck approvals` shows it; a task that waits for one thing does"
    )
    one.add_argument("--why", metavar="TEXT", default="", help="kept in the record, and told to who asked")
    one.add_argument("--always", action="store_true", help="of leave for a tool: the same answer from here on")


def _task(one: Parser) -> None:
    does = one.add_subparsers(dest="what", metavar="add|retry|cancel|reassign", required=True, parser_class=Words)
    add = _below(does, "add", "add the tasks of a plan or a task file to the run")
    add.add_argument(
        "file", metavar="FILE", help="a plan (TOML, JSON) or a task file (Markdown); - reads standard input"
    )
    for name, told in (("retry", "grant one more round of work"), ("cancel", "end a task that is not wanted any more")):
        other = _below(does, name, told)
        other.add_argument("id", metavar="ID")
        other.add_argument("--note", metavar="TEXT", default="", help="kept in the record")
    reassign = _below(does, "reassign", "pin a task to an agent")
    reassign.add_argument("id", metavar="ID")
    reassign.add_argument("agent", metavar="AGENT")


def _undo(one: Parser) -> None:
    one.add_argument("id", metavar="ID", nargs="?", help="what to bring back; default: list what there is")


def _budget(one: Parser) -> None:
    does = one.add_subparsers(dest="what", metavar="raise", required=True, parser_class=Words)
    more = _below(does, "raise", "raise a budget, and go on if the run stopped for it")
    more.add_argument("scope", metavar="AGENT|task:ID|run|day", help="whose; that of the day for today")
    more.add_argument("amount", metavar="AMOUNT", help="such as 5usd or 200ktok")


def _below(does: argparse._SubParsersAction[Words], name: str, told: str) -> Parser:
    one = does.add_parser(name, help=told, description=_sentence(told), allow_abbrev=False)
    _common(one, json=True, default=argparse.SUPPRESS)
    return one


def _log(one: Parser) -> None:
    one.add_argument("--follow", action="store_true", help="go on with what happens")
    one.add_argument("--task", metavar="T", help="only what is about this task")
    one.add_argument("--agent", metavar="A", help="only what is about this agent")
    one.add_argument("--since", metavar="SEQ", type=_seq, default=0, help="only what came after this event")


def _seq(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of an event")
    return int(text)


def _why(one: Parser) -> None:
    one.add_argument("task", metavar="TASK")


def _audit(one: Parser) -> None:
    does = one.add_subparsers(dest="what", metavar="verify|export", required=True, parser_class=Words)
    verify = _below(does, "verify", "check every hash, joint and signature, offline")
    verify.add_argument("file", metavar="FILE", nargs="?", help="an exported record; default: this repository's")
    export = _below(does, "export", "write the whole record out as one file that can be verified alone")
    export.add_argument("file", metavar="FILE", nargs="?", help="a new file; default: standard output")


def _down(one: Parser) -> None:
    one.add_argument("--kill", action="store_true", help="kill the agents instead of ending them")


def _schema(one: Parser) -> None:
    one.add_argument("name", metavar="NAME", nargs="?", help="default: the names there are")


COMMANDS = (
    Command("demo", DAILY, "see it work: a sample project, scripted agents, no key, no account", "demo:demo", _demo),
    Command("init", DAILY, "write a commented quarterdeck.toml for this repository", "project:init", _init, json=False),
    Command("run", DAILY, "start a run, or go on with the unfinished one", "run:run", _run),
    Command("status", DAILY, "agents, tasks, run and money, each state with its evidence and age", "status:status"),
    Command("kill", DAILY, "kill an agent with all it started; works without an engine", "agents:kill", _one_or_all),
    Command("undo", DAILY, "bring back what a kill, a stop or a failed attempt put aside", "undo:undo", _undo),
    Command("approvals", PEOPLE, "what waits for you; what was answered for good", "people:approvals", _approvals),
    Command("approve", PEOPLE, "say yes to one of them", "people:approve", _approve),
    Command("deny", PEOPLE, "say no to one of them", "people:deny", _approve),
    Command("task", PEOPLE, "add, retry, cancel or reassign a task while the run is on", "people:task", _task),
    Command("budget", PEOPLE, "raise a budget and go on", "people:budget", _budget),
    Command("pause", AGENTS, "freeze an agent where it stands", "agents:pause", _one_or_all),
    Command("resume", AGENTS, "thaw an agent, or free it after a stop or kill", "agents:resume", _one_or_all),
    Command("stop", AGENTS, "end what an agent does, gently, and hold it", "agents:stop", _one_or_all),
    Command("send", AGENTS, "tell an agent something while it works", "agents:send", _send),
    Command("log", RECORD, "what happened, event by event", "record:log", _log),
    Command("why", RECORD, "the chain of causes that led to how a task stands", "record:why", _why),
    Command("audit", RECORD, "verify the record, or export it", "record:audit", _audit),
    Command("doctor", HERE, "what is in order here, what is not, and how to mend it", "project:doctor"),
    Command("down", HERE, "end the engine; its run can be resumed", "engine:down", _down, json=False),
    Command("schema", HERE, "the JSON Schema of each file and message", "project:schema", _schema, json=False),
)
