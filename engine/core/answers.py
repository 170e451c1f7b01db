"""What follows from a person's decision: an approval's, a leave's, a budget's."""

from __future__ import annotations

from engine.core import commands as c
from engine.core import events as e
from engine.core.approvals import waiting_approvals
from engine.core.budgets import OF_TASK, named
from engine.core.drafts import Draft, closed, of
from engine.core.errors import Refused, Unknown
from engine.core.leave import answered
from engine.core.lookup import taken_up, the_agent, the_run, the_task, the_unfinished
from engine.core.state import ROOT, Approval, Run, State

Drafts = list[Draft]


def answer(state: State, request: c.Answer) -> Drafts:
    """A person decides."""
    run = the_run(state)
    approval = _named(waiting_approvals(run), request.approval)
    if approval.task != ROOT:
        the_task(state, approval.task, request.version)
    goes_on = taken_up(run, f"{'approved' if request.granted else 'denied'}: {approval.what}")
    if approval.stage in run.asked:
        return [*goes_on, *answered(state, run, run.asked[approval.stage], request)]
    if request.always:
        raise Refused("only leave for a tool can be given once and for all; leave --always out", code="always")
    given = e.ApprovalGiven(stage=approval.stage, granted=request.granted, why=request.why, patch=approval.patch)
    stage = run.stages[approval.stage]
    return [*goes_on, of(stage, given), closed(stage, "granted" if request.granted else "denied")]


def _named(waiting: list[Approval], name: str) -> Approval:
    exact = [a for a in waiting if a.stage == name]
    near = exact or [a for a in waiting if a.task == name or a.stage.endswith(f"/{name}")]
    if len(near) == 1:
        return near[0]
    raise Unknown("approval", name, [a.stage for a in (near or waiting)])


def drop_rule(state: State, request: c.DropRule) -> Drafts:
    """A person wants to be asked again."""
    rules = state.rules.get(request.pool, {})
    if request.signature not in rules:
        known = [f"{pool}: {name}" for pool, rules in state.rules.items() for name in rules]
        raise Unknown("rule", f"{request.pool}: {request.signature}", known)
    return [Draft(data=e.RuleDropped(pool=request.pool, signature=request.signature))]


def raise_budget(state: State, request: c.RaiseBudget) -> Drafts:
    """A person raises a budget; whoever waited for it goes on where there is room, which `waiting` says."""
    scope = request.scope
    run = the_unfinished(state, request.version if scope == "run" else None)
    task = scope.removeprefix(OF_TASK) if scope.startswith(OF_TASK) else ""
    if task:
        the_task(state, task, request.version)
    elif scope not in {"run", "day"}:
        the_agent(state, scope, request.version)
    if not _limited(state, run, request):
        return []
    agent = "" if task or scope in {"run", "day"} else scope
    raised = Draft(data=e.BudgetRaised(scope=scope, amount=request.amount), agent=agent, task=task)
    waits = run.outcome == "budget"
    return [raised, *(taken_up(run, f"the budget of {scope} was raised") if waits else [])]


def _limited(state: State, run: Run, request: c.RaiseBudget) -> bool:
    """Is there anything to raise? Raises Refused where it is limited otherwise, or has to be in the settings first."""
    budget, amount = named(state, run, request.scope), request.amount
    of_crew = budget is not None and budget.scope != "day" and not budget.scope.startswith(OF_TASK)
    if budget is None or (of_crew and not budget.limits):
        return False
    money = amount.usd is not None and budget.limit.usd is not None
    if not money and (amount.tokens is None or budget.limit.tokens is None):
        kind = "tokens" if amount.usd is None else "money"
        raise Refused(f"{request.scope} has no budget in {kind}, so there is none to raise", code="unlimited")
    return True
