"""A merge that an engine finds made: it is proven by whatever gate passed on exactly its tree, and by nothing else."""

import pytest
from support.story import Story, checked

from engine.core import commands as c


def gated(story, tree):
    stage = story.stage("a/merge")
    story.do(c.GatePassed(stage=stage.id, lease=stage.lease, runs=checked(tree).runs))


def found(story, tree):
    return story.finish("a/merge", c.MergeMade(commit="c1", tree=tree, parent="p0", found=True))


def waited(story):
    story.finish("a/merge", c.Obstructed(reason="a lock is held"))
    story.do(c.Cleared(stage=story.stage("a/merge").id))


def outcome(story):
    return story.mind.state.run.tasks["a"].outcome


@pytest.mark.parametrize("later", [(), ("N",)], ids=["no gate after", "a gate on another tree after"])
def test_a_merge_that_was_waited_for_is_proven_by_the_gate_before(later):
    story = Story().merging()
    gated(story, "M")
    waited(story)
    for tree in later:
        gated(story, tree)
    assert outcome(found(story, "M")) == "done"


def test_a_found_merge_of_a_tree_that_no_gate_saw_fails():
    story = Story().merging()
    gated(story, "M")
    waited(story)
    assert outcome(found(story, "X")) == "failed"
