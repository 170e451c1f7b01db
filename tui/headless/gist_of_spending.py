"""What agents spend, wait for and ask leave for, in a few words; a part of `gist`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core import events as e
from engine.core.amounts import show
from engine.core.leave import wish
from engine.core.state import State
from engine.core.values import Amount
from tui.faces import Face
from tui.headless.moments import claimed, hour, spent
from tui.headless.said import Gist, Teller, joined

_PROVIDER: Mapping[str, tuple[Face, str]] = {
    "retry": ("wait", "is asked again"),
    "limited": ("wait", "takes nothing"),
    "opened": ("bad", "is left alone"),
    "probing": ("wait", "is tried again"),
    "closed": ("good", "answers again"),
    "fallback": ("wait", "can not be had"),
    "cache_hit": ("plan", "was not asked: the answer was known"),
    "refused": ("bad", "is not asked"),
    "estimated": ("note", "did not say what it cost"),
}


def _usage(_: e.Event, data: e.UsageBooked, __: State) -> Gist:
    much = spent(data.tokens, data.usd if data.counted else claimed(data.usd)) or "nothing"
    if data.saved:
        return Gist("plan", "saved", f"{much} by an answer that was known")
    if not data.counted:
        return Gist("plan", "says", f"it used {much}")
    whose = " by its own word" if data.source == "agent" else f" of {data.model}" if data.model else ""
    notes = (" (estimated)" if data.estimated else "") + (" for an answer that failed" if data.failed else "")
    return Gist("plan", "used", f"{much}{whose}{notes}")


def _warned(_: e.Event, data: e.BudgetWarned, __: State) -> Gist:
    used = f"{show(_counts(data.used, data.limit))} of {show(data.limit)}"
    return Gist("wait", "budget", f"of {data.scope}: {data.part} % are used, {used}")


def _counts(much: Amount, limit: Amount) -> Amount:
    """Of the kinds that are limited."""
    return Amount(usd=much.usd if limit.usd else None, tokens=much.tokens if limit.tokens else None)


def _reached(_: e.Event, data: e.BudgetReached, __: State) -> Gist:
    more = (f"go on with: quarterdeck budget raise {data.scope} AMOUNT",)
    used = f"of {data.scope}: {show(_counts(data.used, data.limit))} of {show(data.limit)} are used"
    if data.needed is not None:
        costs = show(_counts(data.needed, data.limit))
        return Gist("wait", "budget", f"{used}, the next request may cost {costs}", more)
    return Gist("wait", "budget", f"{used}; nothing is started under it", more)


def _raised(_: e.Event, data: e.BudgetRaised, __: State) -> Gist:
    return Gist("busy", "budget", f"of {data.scope} raised by {show(data.amount)}")


def _provider(_: e.Event, data: e.ProviderChanged, __: State) -> Gist:
    face, word = _PROVIDER[data.what]
    until = f" until {hour(data.until)}" if data.until else ""
    instead = f", {data.to} instead" if data.to else ""
    return Gist(face, "provider", joined(f"{data.provider}/{data.model} {word}{until}{instead}", data.why))


def _session(_: e.Event, data: e.SessionOpened, __: State) -> Gist:
    told = [data.model, data.version and f"version {data.version}", data.session and f"session {data.session}"]
    return Gist("plan", "answers", ", ".join(filter(None, told)))


def _asked(_: e.Event, data: e.PermissionAsked, state: State) -> Gist:
    asked = state.run.asked.get(data.id) if state.run is not None else None
    if asked is None or data.known:
        return Gist("plan", "asks", f"leave for {data.tool} {data.command or ', '.join(data.paths) or data.title}")
    name = data.id.rpartition("/")[2]
    always = "" if data.level == "review" or not data.signature else " [--always]"
    answer = f"quarterdeck approve {name}{always}   or   quarterdeck deny {name}{always}"
    return Gist("ask", "asks you", joined(wish(asked), data.why), (answer,))


def _given(_: e.Event, data: e.PermissionGiven, __: State) -> Gist:
    by = {"person": "", "policy": "by the crew's policy", "rule": "as answered before"}[data.by]
    word = "allowed" if data.allow else "denied"
    said = by or ("once and for all" if data.always else "")
    return Gist("good" if data.allow else "ended", word, joined(said, data.why))


def _rule(_: e.Event, data: e.RuleMade, __: State) -> Gist:
    word = "always" if data.allow else "never"
    return Gist("note", "rule", f"{data.pool} may {word}: {data.signature}")


def _no_rule(_: e.Event, data: e.RuleDropped, __: State) -> Gist:
    return Gist("note", "rule", f"{data.pool} asks again: {data.signature}")


TELLERS: Mapping[type[e.Fact], Teller] = {
    e.UsageBooked: _usage,
    e.BudgetWarned: _warned,
    e.BudgetReached: _reached,
    e.BudgetRaised: _raised,
    e.ProviderChanged: _provider,
    e.SessionOpened: _session,
    e.PermissionAsked: _asked,
    e.PermissionGiven: _given,
    e.RuleMade: _rule,
    e.RuleDropped: _no_rule,
}
