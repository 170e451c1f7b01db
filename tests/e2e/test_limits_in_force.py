"""Limits of the settings hold real programs: each is told, ends what it has to, and leaves everybody else alone."""

from support.engines import task

from engine.core.commands import ResumeAgent

TIGHT = """\
[limits]
agents = 4
memory = "150MB"
disk = "30MB"
output = "100KB"
log = "50KB"
time = "6s"
"""
WAIT = "time.sleep(600)"


def first(then: str) -> str:
    """Something is begun and then this is done; the second attempt does as it should."""
    return f"write('begun-' + task['id'], '1')\nif attempt == 1:\n    {then}\nwrite(task['id'], '1')\n"


def test_each_limit_holds_the_one_who_reaches_it(place):
    place.project(builders=4, more=TIGHT)
    place.start(
        [
            task("hungry", first(f"kept = b'x' * 200_000_000; {WAIT}")),
            task("fat", first(f"write('.git/fat', 'x' * 60_000_000); {WAIT}")),
            task("late", first(WAIT)),
            task("loud", "for _ in range(8000): print('x' * 99)\nwrite('loud', '1')"),
        ]
    )
    assert place.end()["data"]["outcome"] == "verified"
    reached = {(e["task"], e["data"]["limit"]["limit"]): e["data"]["limit"] for e in place.of("limit_reached")}
    assert {key: (limit["value"], limit["done"]) for key, limit in reached.items()} == {
        ("hungry", "memory"): ("150MB", "ended"),
        ("fat", "disk"): ("30MB", "ended"),
        ("late", "time"): ("6s", "ended"),
        ("loud", "output"): ("100KB", "slowed"),
        ("loud", "log"): ("50KB", "cut"),
    }
    assert len(place.of("limit_reached")) == len(reached), "each is told once"
    broken = {e["task"]: e["data"] for e in place.of("attempt_failed")}
    assert {name: data["blame"] for name, data in broken.items()} == dict.fromkeys(("hungry", "fat", "late"), "agent")
    assert broken["late"]["reason"] == "it took longer than 6s ([limits] time)"
    assert broken["hungry"]["reason"].endswith("of memory, more than 150MB ([limits] memory)")
    for name in ("hungry", "late"):
        assert place.git("show", f"{broken[name]['kept']}:begun-{name}") == "1"
    (transcript,) = place.layout.transcripts.glob("*/loud.1.work.*")
    assert transcript.stat().st_size < 50_100


def test_who_does_nothing_is_frozen_until_a_person_lets_it_go_on(place):
    place.project(builders=1, more='[limits]\nfreeze_idle = "2s"\n')
    gate = place.gate("idle")
    place.start([task("a", "pause_at('idle'); write('a', '1')")])
    standing = place.arrive(gate)
    frozen = place.until("limit_reached")
    assert (frozen["data"]["limit"]["limit"], frozen["data"]["limit"]["done"]) == ("freeze_idle", "frozen")
    assert place.until("agent_pause_asked")["actor"] == "engine"
    place.until("agent_paused")
    said = "its processes are frozen; it used no processor and printed nothing for 2s"
    assert place.status("agents", "builder")["evidence"] == said
    place.release(standing)
    place.client.submit(ResumeAgent(agent="builder"))
    assert place.end()["data"]["outcome"] == "verified"
