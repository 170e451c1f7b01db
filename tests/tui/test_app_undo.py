"""`u`: what was put aside is listed, and enter brings back what is highlighted, as the engine says it did."""

from support.dash import story

from engine.core import commands as c

COMMITS = {"parse": "abcdef0" + "1" * 33, "store": "1234567" + "2" * 33}


def put_aside(engine, task="parse", **given):
    """Work of a killed builder is kept; the engine lists it."""
    ref, commit = f"refs/quarterdeck/kept/r1/{task}/1-9", COMMITS[task]
    told = {
        "id": commit[:7], "ref": ref, "commit": commit, "at": 0.0, "agent": "builder-1", "task": task, "attempt": 1,
        "kind": "work", "why": "it was killed by a person", "files": 2, "added": 7, "removed": 1, "size": 900,
        "left": [], "lost": 0, "ignored": "", "run": "r1", "base": "b" * 40,
    } | given  # fmt: skip
    engine.do(lambda fake: fake.put_aside.append(told))
    engine.report(
        c.PutAside(agent="builder-1", run="r1", task=task, attempt=1, ref=ref, commit=commit, why=told["why"])
    )


def answers(engine):
    """The engine finds what is meant, as the real one does."""

    def made(fake):
        submit = fake.submit

        async def found(request, *, actor):
            if isinstance(request, c.BringBack):
                one = next(one for one in fake.put_aside if one["id"] == request.kept)
                names = {name: one[name] for name in ("ref", "commit", "run", "task", "kind")}
                request = c.BringBack(kept=request.kept, branch=f"quarterdeck/kept/{one['task']}-1", **names)
            return await submit(request, actor=actor)

        fake.submit = found

    engine.do(made)


@story()
async def test_nothing_put_aside_is_why_it_is_not_to_be_had(dash, engine):
    await dash.press("u")
    await dash.sees("undo: nothing is put aside")


@story()
async def test_enter_brings_back_what_is_highlighted_and_tells_what_was_done(dash, engine):
    answers(engine)
    put_aside(engine)
    put_aside(engine, "store")
    await dash.sees("store")
    await dash.until(lambda: dash.app.board.state.kept, "known to the board")
    await dash.press("u")
    await dash.sees("put aside", "abcdef0  parse 1  builder-1", "2 files +7 -1", "it was killed by a person")
    await dash.press("down")
    await dash.press("enter")
    await dash.sees("1234567 is back", "is the branch quarterdeck/kept/store-1 now", "the next round of store begins")
    assert engine.state(lambda state: state.run.tasks["store"].brought) == COMMITS["store"]
    assert engine.state(lambda state: state.run.tasks["parse"].brought) == ""
    await dash.press("escape")
    await dash.sees_no("is back")


@story()
async def test_esc_leaves_all_as_it_is(dash, engine):
    put_aside(engine)
    await dash.until(lambda: dash.app.board.state.kept, "known to the board")
    await dash.press("u")
    await dash.sees("enter: bring it back")
    await dash.press("escape")
    await dash.sees_no("enter: bring it back")
    assert not [asked for asked, _ in engine.asked if isinstance(asked, c.BringBack)]


@story()
async def test_what_cannot_be_brought_back_is_said(dash, engine):
    put_aside(engine)  # and this engine finds nothing by that name
    await dash.until(lambda: dash.app.board.state.kept, "known to the board")
    await dash.press("u")
    await dash.sees("abcdef0")
    await dash.press("enter")
    await dash.sees("refused:", "names no kept work")


@story(size=(80, 24))
async def test_it_fits_a_small_screen_and_what_an_agent_wrote_is_harmless(dash, engine):
    put_aside(engine, why="x\x1b[2J\u202e" + "long " * 40, lost=3)
    await dash.until(lambda: dash.app.board.state.kept, "known to the board")
    await dash.press("u")
    await dash.sees("abcdef0", "3 left out", "esc: leave it")
    assert "\u202e" not in dash.screen
