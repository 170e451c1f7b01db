"""What `doctor` says of confinement, of credentials handed out, and of environments that mean the person's checkout."""

from __future__ import annotations

import json

import pytest

from engine.config.access import Security
from engine.config.confined import confinement, credentials, editable
from engine.config.editable import editable_installs
from engine.config.load import parse_settings
from engine.processes.confinement.tiers import Tier

TEXT = '[project]\ncheck = ["true"]\n[agents.a]\nruntime = "command"\ncommand = ["x"]\n'
STRONG = Tier(name="strong", mechanism="bubblewrap", holes=("a hole",), tried=(("bubblewrap in a cgroup", "no group"),))
BASIC = Tier(
    name="basic",
    mechanism="landlock",
    holes=("UDP is open",),
    tried=(("namespaces", "no"), ("seatbelt", "only on macOS")),
)
NONE = Tier(name="unconfined", mechanism="none", tried=(("namespaces", "no"), ("landlock", "old")))


def looked(tier, text=TEXT, **own):
    settings = parse_settings(text).model_copy(update=own)
    return list(confinement(settings, tier))


def test_a_strong_tier_is_in_order_and_told_with_its_holes_and_what_was_tried():
    (found,) = looked(STRONG)
    assert (found.level, found.detail, found.mend) == ("ok", "strong (bubblewrap)", "")
    assert found.more == ("known hole: a hole", "not bubblewrap in a cgroup: no group")


def test_a_basic_tier_is_warned_of_with_why_there_is_no_stronger_one():
    (found,) = looked(BASIC)
    assert (found.level, found.detail) == ("warn", "basic (landlock)")
    assert found.more == ("known hole: UDP is open", "not namespaces: no")
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in found.mend
    assert "--unconfined" not in found.mend


def test_no_confinement_is_bad_for_the_machine_and_for_each_demand():
    machine, agents = looked(NONE)
    assert (machine.level, machine.detail, agents.level) == ("bad", "unconfined", "bad")
    assert machine.mend.endswith("or run with --unconfined, and give it only work that you would run by hand")
    assert agents.detail == "a asks for at least basic confinement, by default, and in force is unconfined"


def test_what_its_user_has_accepted_is_only_warned_of():
    (found,) = looked(NONE, security=Security(allow_unconfined=True))
    assert found.level == "warn"


def test_an_agent_that_asks_for_more_is_told_of():
    _, agents = looked(BASIC, TEXT + 'permissions.confine = "strong"\n')
    assert agents.detail == "a asks for at least strong confinement, and in force is basic (landlock)"


def test_a_place_without_settings_has_a_tier_all_the_same():
    assert [one.what for one in confinement(None, NONE)] == ["confinement"]


def test_credentials_are_told_and_missed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".there").write_text("")
    settings = parse_settings(TEXT).model_copy(update={"credentials": {"a": (".there",), "b": (".there", ".gone")}})
    there, gone = credentials(settings)
    assert (there.level, there.detail, there.mend) == ("ok", "a gets copies of .there", "")
    assert (gone.level, gone.mend) == ("warn", f"there is no .gone in {tmp_path}: log in, or mend [credentials]")


@pytest.fixture
def environment(tmp_path):
    """A PATH with a python that has `mine` installed from tmp_path/repo, editably."""

    def make(url=f"file://{tmp_path}/repo/my%20pkg", editable=True):
        programs, info = tmp_path / "env/bin", tmp_path / "env/lib/python3.12/site-packages/mine-1.0.dist-info"
        for folder in (programs, info, tmp_path / "repo/my pkg"):
            folder.mkdir(parents=True, exist_ok=True)
        (programs / "python").write_text("#!/bin/sh\n")
        (programs / "python").chmod(0o755)
        (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {"editable": editable}}))
        return str(programs)

    return make


def test_an_editable_install_of_the_repository_is_found(tmp_path, environment):
    assert editable_installs(tmp_path / "repo", environment()) == ["mine"]


def test_what_is_installed_otherwise_is_none(tmp_path, environment):
    assert editable_installs(tmp_path / "repo", environment(editable=False)) == []
    assert editable_installs(tmp_path / "repo", environment(url="file:///elsewhere")) == []
    assert editable_installs(tmp_path / "repo", environment(url=3)) == []
    assert editable_installs(tmp_path / "repo", "/nonexistent") == []


def test_an_editable_install_worries_only_where_gates_could_see_the_checkout(tmp_path, environment):
    path = environment()
    (calm,) = editable(tmp_path / "repo", path, STRONG)
    assert (calm.level, calm.more) == ("ok", ("gates see the tree under judgement in its place",))
    (worry,) = editable(tmp_path / "repo", path, BASIC)
    assert worry.level == "warn"
    assert worry.detail.endswith("an editable install of this repository: mine")
    assert list(editable(tmp_path / "other", path, BASIC)) == []
