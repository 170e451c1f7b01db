"""Which agents may start under which confinement, and what is said to those who may not."""

from __future__ import annotations

from typing import get_args

import pytest

from engine.config import access
from engine.config.confinement import too_weak, ways_out
from engine.config.crew import crew
from engine.config.load import parse_settings
from engine.processes.confinement import tiers
from engine.processes.confinement.tiers import Tier

NO_BWRAP = ("bubblewrap", "bwrap is not installed")
NO_NAMESPACES = ("namespaces", "unshare: Operation not permitted")
STRONG = Tier(name="strong", mechanism="namespaces")
BASIC = Tier(name="basic", mechanism="landlock", detail="Landlock ABI 7", tried=(NO_NAMESPACES, NO_BWRAP))
NONE = Tier(name="unconfined", mechanism="none", tried=(NO_NAMESPACES, NO_BWRAP, ("landlock", "the kernel has none")))


def settings(confine=None, own="", **more):
    """A crew of `a` and its like; `more`: other agents and what they ask for."""
    text = '[project]\ncheck = ["true"]\n'
    for name, least in {"a": confine, **more}.items():
        text += f'[agents.{name}]\nruntime = "command"\ncommand = ["x"]\n'
        text += f'permissions.confine = "{least}"\n' if least else ""
    made = parse_settings(text)
    return made.model_copy(update={"security": access.Security.model_validate(own)}) if own else made


def weak(made, tier, allowed=False):
    return too_weak(made, crew(made), tier, allowed=allowed)


@pytest.mark.parametrize(
    ("confine", "tier", "allowed", "may"),
    [
        (None, STRONG, False, True),
        ("strong", STRONG, False, True),
        ("strong", BASIC, False, False),
        ("strong", BASIC, True, False),
        ("strong", NONE, True, False),
        ("basic", BASIC, False, True),
        ("basic", NONE, False, False),
        ("basic", NONE, True, False),
        (None, BASIC, False, True),
        (None, NONE, False, False),
        (None, NONE, True, True),
        ("none", BASIC, False, True),
        ("none", NONE, False, False),
        ("none", NONE, True, True),
    ],
)
def test_who_may_start(confine, tier, allowed, may):
    assert (weak(settings(confine), tier, allowed) == []) is may
    own = {"allow_unconfined": allowed}
    assert (weak(settings(confine, own), tier) == []) is may, "in the user's file it holds for every run"


def test_a_default_is_told_with_all_that_was_tried_and_how_to_mend_it():
    (found,) = weak(settings(), NONE)
    assert str(found) == (
        "a asks for at least basic confinement, by default, and in force is unconfined (namespaces: unshare: Operation "
        "not permitted; bubblewrap: bwrap is not installed; landlock: the kernel has none); install bubblewrap (`apt "
        "install bubblewrap`), or allow user namespaces (`sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or "
        "an AppArmor profile for bwrap), or boot a kernel from 6.12 on with Landlock, or accept it for this run with "
        "--unconfined"
    )


def test_who_asks_for_strong_is_not_told_of_a_kernel_that_would_not_do():
    (found,) = weak(settings("strong"), BASIC)
    assert found.text.startswith(
        "a asks for at least strong confinement, and in force is basic (Landlock ABI 7) (names"
    )
    assert found.way_out.endswith('bwrap), or let it do with less: confine = "basic" under its permissions')
    (found,) = weak(settings("strong"), NONE, allowed=True)
    assert found.way_out.endswith(
        'write confine = "none" under its permissions and accept it for this run with --unconfined'
    )


def test_an_agent_s_own_word_does_not_do_without_its_user_s():
    (found,) = weak(settings("none"), NONE)
    assert found.text.startswith("a agrees to run unconfined, but you have not, and in force is unconfined (")
    assert found.way_out == "accept it for this run with --unconfined"


def test_agents_with_the_same_demand_are_told_together():
    found = weak(settings(b="strong", c="strong", d="none"), NONE, allowed=True)
    assert [one.agents for one in found] == [("b", "c")]
    assert found[0].text.startswith("b, c ask for at least strong")


def test_what_the_user_left_out_is_the_user_s_to_mend():
    (found,) = weak(settings(own={"mechanisms": []}), Tier(name="unconfined", mechanism="none"))
    assert "(namespaces: your [security] mechanisms leave it out; bubblewrap: your" in found.text
    assert found.way_out == (
        "name more mechanisms under [security] in your own settings, or accept it for this run with --unconfined"
    )


def test_what_is_weaker_than_what_is_in_force_is_not_spoken_of():
    (found,) = weak(settings("strong", own={"mechanisms": ["landlock"]}), Tier(name="basic", mechanism="landlock"))
    assert "landlock:" not in found.text
    assert "seatbelt" not in found.text
    assert found.text.count("your [security] mechanisms leave it out") == 2


def test_the_way_out_is_the_system_s(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    tier = Tier(name="unconfined", mechanism="none", tried=(("landlock", "only on Linux"), ("seatbelt", "denied")))
    assert list(ways_out(access.Security(), tier)) == ["let /usr/bin/sandbox-exec run"]


def test_a_bubblewrap_that_is_there_and_fails_is_not_to_be_installed():
    tier = Tier(name="basic", mechanism="landlock", tried=(NO_NAMESPACES, ("bubblewrap", "its uid map is refused")))
    assert not any("install" in way for way in ways_out(access.Security(), tier))


def test_the_settings_know_the_mechanisms_that_there_are():
    assert get_args(access.Mechanism) == access.MECHANISMS == tiers.MECHANISMS
