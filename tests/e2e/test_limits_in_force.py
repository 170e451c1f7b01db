"""Limits of the settings hold real programs: each is told, ends what it has to, and leaves everybody else alone."""

from support.engines import task

from engine.core.commands import ResumeAgent

TIGHT = """\
[limits]
agents = 6
processes = 310
memory = "150MB"
disk = "30MB"
file = "20MB"
output = "100KB"
log = "50KB"
time = "6s"
"""
WAIT = "time.sleep(600)"
CROWD = """
import signal
refused = False
for _ in range(400 if attempt == 1 else 0):
    try:
        if os.fork() == 0:
            signal.pause()
    except BlockingIOError:
        refused = True
        note("refused")
        break
time.sleep(2.5 if refused else 600 if attempt == 1 else 0)
write("crowd", "1")
"""
LARGE = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
write("large", "x" * 25_000_000 if attempt == 1 else "1")
"""


def first(then: str) -> str:
    """Something is begun and then this is done; the second attempt does as it should."""
    return f"write('begun-' + task['id'], '1')\nif attempt == 1:\n    {then}\nwrite(task['id'], '1')\n"


def test_each_limit_holds_the_one_who_reaches_it(place):
    """Processes are refused where the kernel counts them, and looked at where it does not."""
    place.project(builders=6, more=TIGHT)
    place.start(
        [
            task("hungry", first(f"kept = b'x' * 200_000_000; {WAIT}")),
            task("fat", first(f"[write(f'.git/fat{{n}}', 'x' * 15_000_000) for n in range(4)]; {WAIT}")),
            task("late", first(WAIT)),
            task("loud", "for _ in range(8000): print('x' * 99)\nwrite('loud', '1')"),
            task("crowd", CROWD),
            task("large", LARGE),
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
        ("crowd", "processes"): ("310", "refused" if place.noted("refused") else "ended"),
        ("large", "file"): ("20MB", "ended"),
    }
    assert len(place.of("limit_reached")) == len(reached), "each is told once"
    broken = {e["task"]: e["data"] for e in place.of("attempt_failed")}
    assert broken.keys() - {"crowd"} == {"hungry", "fat", "late", "large"}
    assert {data["blame"] for data in broken.values()} == {"agent"}
    assert broken["late"]["reason"] == "it took longer than 6s ([limits] time)"
    assert broken["large"]["reason"] == "it wrote a file of more than 20MB ([limits] file)"
    assert broken["hungry"]["reason"].endswith("of memory, more than 150MB ([limits] memory)")
    for name in ("hungry", "late"):
        assert place.git("show", f"{broken[name]['kept']}:begun-{name}") == "1"
    (transcript,) = place.layout.transcripts.glob("*/loud.1.work.*")
    assert transcript.stat().st_size < 50_100


def test_who_does_nothing_is_frozen_until_a_person_lets_it_go_on(place):
    place.project(builders=1, more='[limits]\nfreeze_idle = "1s"\n')
    gate = place.gate("idle")
    place.start([task("a", "pause_at('idle'); write('a', '1')")])
    standing = place.arrive(gate)
    frozen = place.until("limit_reached")
    assert (frozen["data"]["limit"]["limit"], frozen["data"]["limit"]["done"]) == ("freeze_idle", "frozen")
    assert place.until("agent_pause_asked")["actor"] == "engine"
    place.until("agent_paused")
    said = "its processes are frozen; it used no processor and printed nothing for 1s"
    assert place.status("agents", "builder")["evidence"] == said
    place.release(standing)
    place.client.submit(ResumeAgent(agent="builder"))
    assert place.end()["data"]["outcome"] == "verified"
