"""The coordination tax: how much longer a run takes than its work, with journal, clones, packs, gates and merges counted.

Method: tasks that only sleep (0.2-2 s) and write one file, gate `true`, agents are `sh` scripts. A first wave of empty
tasks starts every keeper and clone (start-up is not tax); makespan = its end until the run's end, over the ideal of
list scheduling (`support/shapes.py`). `make -j`, `ninja` and LangGraph, as far as they are installed, run the same
sleeps in the same test, one after the other, without clones or merges: their ratio is what a reader compares with.
Machines are noisy: read ratios within one run, and the CPU figures.
"""

import asyncio
import contextlib
import importlib.util
import json
import operator
import os
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from support.shapes import Job, ideal, layered

from engine.api.calls import RunRequest
from engine.api.launch import ensure

Tool = Callable[[Path, list[Job], int], float]
"""Runs a graph in a new folder, with so many places: seconds."""
pytestmark = [pytest.mark.perf, pytest.mark.timeout(900)]

AGENT = """\
while read -r key value; do
  case $key in
    '"id":') id=${value%'",'}; id=${id#'"'} ;;
    '"title":') seconds=${value%'",'}; seconds=${seconds#'"'} ;;
    '"prompt":') review=${value%'",'}; review=${review#'"'} ;;
    '"role":') role=${value%'",'}; role=${role#'"'} ;;
  esac
done < "$QUARTERDECK_TASK"
if [ "$role" = review ]; then
  sleep "$review"
  echo '{"review": {"verdict": "approve"}}' > "$QUARTERDECK_OUTBOX/.r"
  mv "$QUARTERDECK_OUTBOX/.r" "$QUARTERDECK_OUTBOX/result.json"
else
  sleep "$seconds"
  echo "$id" > "out-$id"
fi
"""


def repository(folder: Path, *, places: int, reviewers: int) -> Path:
    folder.mkdir()
    (folder / "agent.sh").write_text(AGENT)
    for number in range(20):
        (folder / f"file-{number}.txt").write_text("line\n" * 50)
    reviewer = f"""
[agents.reviewer]
runtime = "command"
command = ["sh", "agent.sh"]
does = ["review"]
instances = {reviewers}
"""
    (folder / "quarterdeck.toml").write_text(f"""
[project]
check = ["true"]
review = {str(bool(reviewers)).lower()}
[limits]
agents = {places}
[agents.worker]
runtime = "command"
command = ["sh", "agent.sh"]
instances = {places}
{reviewer if reviewers else ""}
""")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "base"], check=True)
    return folder


def plan_of(jobs: list[Job], *, places: int, reviews: dict[str, float]) -> dict[str, Any]:
    """A first wave of empty tasks starts every keeper and clone; the measured ones begin when it is merged.

    The title is the seconds of work, the prompt those of review. Where there are reviews, the longest chains come first,
    by priority: the ideal knows how long each takes.
    """
    first = [{"id": f"warm{n}", "title": "0.01", "prompt": "0.01"} for n in range(places)]
    gate = {"id": "warm", "title": "0.01", "prompt": "0.01", "after": [task["id"] for task in first]}
    measured = [
        {
            "id": job.name,
            "title": str(job.seconds),
            "prompt": str(reviews.get(job.name, 0)),
            "after": list(job.after) or ["warm"],
            "priority": int((job.seconds + reviews[job.name]) * 100) if reviews else 0,
        }
        for job in jobs
    ]
    return {"goal": "bench", "task": [*first, gate, *measured]}


def quarterdeck(
    root: Path, jobs: list[Job], *, places: int, reviews: dict[str, float] | None = None
) -> tuple[float, dict[str, Any]]:
    """Makespan in seconds, and figures: hops in ms, CPU of the engine in ms a task."""
    plan = json.dumps(plan_of(jobs, places=places, reviews=reviews or {}))
    client = ensure(root)
    try:
        pid = client.status()["engine"]["pid"]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        client.start_run(RunRequest(plan=plan, plan_name="plan.json", environment=environment))
        events, before = [], 0.0
        with contextlib.closing(client.events(0)) as stream:
            for event in stream:
                events.append(event)
                if event["kind"] == "task_ended" and event["task"] == "warm":
                    before = cpu(pid)
                if event["kind"] == "run_ended":
                    break
        used = cpu(pid) - before
    finally:
        client.end(kill=True)
        client.close()
    assert events[-1]["data"]["outcome"] == "verified", events[-1]["data"]["reason"]
    started = next(e["at"] for e in events if e["kind"] == "task_ended" and e["task"] == "warm")
    figures = {"hop_ms": sorted(hop_times(events, jobs)), "cpu_ms": used / len(jobs) * 1000}
    return events[-1]["at"] - started, figures


def hop_times(events: list[dict[str, Any]], jobs: list[Job]) -> list[float]:
    """From the durable merge of the last dependency to the start of the dependant's program, in ms."""
    merged = {e["task"]: e["at"] for e in events if e["kind"] == "merge_done"}
    begun = {e["task"]: e["at"] for e in events if e["kind"] == "attempt_started" and "/work." in e["data"]["stage"]}
    return [(begun[j.name] - max(merged[name] for name in j.after)) * 1000 for j in jobs if j.after]


def cpu(pid: int) -> float:
    """CPU seconds of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def make(folder: Path, jobs: list[Job], places: int) -> float:
    rules = "".join(
        f"{j.name}: {' '.join(j.after)}\n\t@sleep {j.seconds}; echo {j.name} > out-{j.name}\n" for j in jobs
    )
    names = " ".join(j.name for j in jobs)
    folder.mkdir()
    (folder / "Makefile").write_text(f".PHONY: all {names}\nall: {names}\n{rules}")
    return timed(["make", "-s", f"-j{places}", "-C", str(folder), "all"])


def ninja(folder: Path, jobs: list[Job], places: int) -> float:
    folder.mkdir()
    rules = "rule w\n  command = sleep $s; echo $out > $out\n"
    builds = "".join(f"build {j.name}: w | {' '.join(j.after)}\n  s = {j.seconds}\n" for j in jobs)
    (folder / "build.ninja").write_text(rules + builds)
    return timed(["ninja", "--quiet", "-C", str(folder), f"-j{places}"])


def timed(argv: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def langgraph(_: Path, jobs: list[Job], places: int) -> float:
    """The same graph as a LangGraph StateGraph, each node one `sleep` process."""
    from langgraph.graph import START, StateGraph

    places_left = asyncio.Semaphore(places)

    def node(job: Job) -> Any:
        async def work(state: dict[str, Any]) -> dict[str, Any]:
            async with places_left:
                await (await asyncio.create_subprocess_exec("sleep", str(job.seconds))).wait()
            return {"done": [job.name]}

        return work

    class Seen(TypedDict):
        done: Annotated[list[str], operator.add]

    graph = StateGraph(Seen)
    for job in jobs:
        graph.add_node(job.name, node(job))
    for job in jobs:
        graph.add_edge(list(job.after) if job.after else START, job.name)
    app = graph.compile()
    began = time.monotonic()
    asyncio.run(app.ainvoke({"done": []}, {"recursion_limit": 1000}))
    return time.monotonic() - began


def others(places: int) -> Iterator[tuple[str, Tool | None]]:
    """Who runs the same graph; None for one that is not installed."""
    yield f"make -j{places}", make if shutil.which("make") else None
    yield f"ninja -j{places}", ninja if shutil.which("ninja") else None
    yield f"LangGraph, {places} places", langgraph if importlib.util.find_spec("langgraph") else None


def quantile(values: list[float], q: float) -> float:
    return values[min(int(len(values) * q), len(values) - 1)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize(("places", "scale"), [(4, 1.0), (16, 1.0), (16, 5.0)])
def test_layered_graph_of_200_tasks(place: Path, places: int, scale: float) -> None:
    jobs = [Job(j.name, round(j.seconds * scale, 3), j.after) for j in layered(200 if scale == 1.0 else 100)]
    best = ideal(jobs, places)
    makespan, figures = quarterdeck(repository(place / "r", places=places, reviewers=0), jobs, places=places)
    ours = f"{makespan / best:6.3f}  {makespan:7.2f} s  quarterdeck, journal, clones, gates and merges counted"
    print(
        f"\nlayered, {len(jobs)} tasks x{scale:g}, {places} places, ideal {best:.2f} s, load {os.getloadavg()[0]:.1f}"
    )
    print(f"  {ours}")
    for number, (name, tool) in enumerate(others(places)):
        if tool is None:
            print(f"  not installed:   {name}")
            continue
        seconds = tool(place / f"other-{number}", jobs, places)
        print(f"  {seconds / best:6.3f}  {seconds:7.2f} s  {name}, sleeps only")
    hops = figures["hop_ms"]
    print(
        f"  merge durable -> dependant's program: p50 {quantile(hops, 0.5):.0f} ms, p95 {quantile(hops, 0.95):.0f} ms"
    )
    print(f"  CPU of the engine and its git: {figures['cpu_ms']:.0f} ms a task")
    assert makespan / best < 3


@pytest.mark.parametrize("places", [4, 16])
def test_ten_pipelines(place: Path, places: int) -> None:
    rng = random.Random(1)
    work = [Job(f"t{n}", round(rng.uniform(0.2, 2.0), 3)) for n in range(10)]
    reviews = {job.name: round(rng.uniform(0.2, 2.0), 3) for job in work}
    steps = [step for job in work for step in (job, Job(f"{job.name}-r", reviews[job.name], (job.name,)))]
    best = ideal(steps, places)
    root = repository(place / "r", places=places, reviewers=places)
    runs = [quarterdeck(root, work, places=places, reviews=reviews)[0]]
    print(f"\n10 x implement, review, merge, {places} places: ideal {best:.2f} s, load {os.getloadavg()[0]:.1f}")
    print(f"  {statistics.median(runs) / best:6.3f}  {statistics.median(runs):7.2f} s  quarterdeck")
    assert runs[0] / best < 3
