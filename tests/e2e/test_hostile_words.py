"""Names and words that break programs: in files that people drop, in drafts, in results."""

import os

from support.engines import task

SUMMARIES = {
    "surrogate": r'"\ud800 half a character"',
    "nul": r'"a\u0000b"',
    "escape": r'"\u001b[31mred\u0007"',
    "option": '"--amend -m x"',
    "long": '"' + "x" * 60_000 + '"',
    "blank": '" \\n\\t "',
    "trailer": '"done\\n\\nQuarterdeck: RUN/option/1"',
}


def test_summaries_that_are_no_fit_text_do_no_harm(place):
    """Each is refused with a reason or made harmless; the record and the commits can be read."""
    place.project(builders=2, more="[limits]\nattempts = 1")
    words = "write(task['id'], ''); put('result.json', '{\"summary\": %s}' % task['prompt'].rpartition('#')[2])"
    tasks = [task(name, f"{words} #{said}") for name, said in SUMMARIES.items()]
    place.start(tasks, pattern="solo")
    ended = place.end()["data"]
    for name in sorted(SUMMARIES.keys() - {"surrogate"}):
        assert ended["tasks"][name] == "done"
    assert "result.json is refused" in place.of("attempt_failed", task="surrogate")[0]["data"]["reason"]
    log = place.git("log", "--format=%B", "main")
    assert "\x1b" not in log
    assert "ab\n" in log
    trailers = place.git("log", "--format=%(trailers:key=Quarterdeck,valueonly)", "main").split()
    assert sorted(trailers) == sorted(f"{place.run}/{name}/1" for name in SUMMARIES if name != "surrogate")


def test_names_that_are_no_fit_names_do_no_harm(place):
    """The boxes go on being looked at."""
    place.project()
    gate = place.gate("standing")
    drafts = """
for name in (b"\\xff\\xfe.json", b"new\\nline.json", b"x" * 250 + b".json"):
    with open(os.fsencode(outbox) + b"/" + name, "w") as file:
        file.write("{}")
pause_at("standing")
write("it", "")
"""
    place.start([task("it", drafts)], pattern="solo")
    standing = place.arrive(gate)
    names = (b"My Task.md", b"\xff\xfe.md", b"new\nline.md", b"-rf.md", b"x" * 250 + b".md", b".md")
    for name in names:
        (place.layout.tasks / os.fsdecode(name)).write_text("write('dropped', '')\n")
    (place.layout.tasks / "folder.md").mkdir()
    (place.layout.tasks / "link.md").symlink_to("/etc/passwd")
    refused = place.until("message_refused", file="tasks/My Task.md")["data"]
    assert "my-task.md" in refused["reason"]
    place.layout.task("good").write_text("write('good', '')\n")
    place.until("task_added", task="good")
    place.release(standing)
    assert place.end()["data"]["outcome"] == "verified"
