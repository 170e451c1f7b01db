"""What tier strong promises, of both mechanisms and for every user that can be tried here."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from support.cells import USERS, need, place

from engine.processes.confinement.mounts import SCRATCH

MECHANISMS = ("namespaces", "bubblewrap")
OWN = [(mechanism, uid) for mechanism in MECHANISMS for uid in USERS]
REFUSALS = {"EROFS", "EXDEV", "EACCES"}


@pytest.fixture(params=OWN, ids=lambda known: f"{known[0]}-{known[1]}")
def cell(request):
    mechanism, uid = request.param
    need(mechanism, uid)
    with place(uid) as here:
        yield here, mechanism


@pytest.fixture(params=USERS)
def old(request):
    """On a kernel that changes mounts one by one."""
    need("namespaces", request.param)
    with place(request.param) as here:
        here.env["OLD_KERNEL"] = "1"
        yield here


def test_what_was_not_given_can_not_be_changed_in_any_way(cell):
    here, mechanism = cell
    file, frozen = here.file("outside/file"), here.file("clone/frozen/file")
    before = file.stat()
    outcomes = here.attempts(mechanism, here.outside, frozen.parent, frozen=(frozen.parent,))
    assert {name for name, outcome in outcomes.items() if outcome not in REFUSALS} == set()
    assert file.stat() == before
    assert sorted(path.name for path in here.outside.iterdir()) == ["file"]


def test_an_older_kernel_holds_the_same(old):
    file, frozen = old.file("outside/file"), old.file("clone/frozen/file")
    outcomes = old.attempts("namespaces", old.outside, frozen.parent, file.parent, frozen=(frozen.parent,))
    assert set(outcomes.values()) <= REFUSALS
    ran = old.sh("namespaces", f"echo c > {old.clone}/file && echo h > ~/file && echo x > /dev/null && touch /etc/new")
    assert "/etc/new" in ran.out
    assert (old.clone / "file").read_text() == "c\n"


def test_what_was_given_can_be_changed_and_is_what_it_was_outside(cell):
    here, mechanism = cell
    script = (
        'echo c > "$0/file" && echo h > ~/file && echo t > /tmp/one && echo v > /var/tmp/two && echo s > /dev/shm/x'
    )
    ran = here.sh(mechanism, script.replace("$0", str(here.clone)))
    assert (ran.code, ran.out) == (0, "")
    written = (here.clone / "file", here.home / "file", here.tmp / "one", here.tmp / "two")
    assert [path.read_text() for path in written] == ["c\n", "h\n", "t\n", "v\n"]
    assert not (here.at / "file").exists()


def test_masked_is_not_there_and_shown_in_masked_is(cell):
    here, mechanism = cell
    for name in ("secret", "shown/file", "shown/deep/secret", "plain"):
        here.file(f"masked/{name}")
    masked = here.root / "masked"
    alone = here.file("alone", "secret")
    script = f"cd {masked}; find . -type f | sort; cat {alone}; touch new"
    ran = here.sh(mechanism, script, masked=(masked, masked / "shown/deep", alone), readable=(masked / "shown",))
    assert ran.out.splitlines()[0] == "./shown/file"
    assert "secret" not in ran.out
    assert ran.code != 0


LOOK = """
import json, sys
def access(path):
    try: open(path).close()
    except OSError: return "none"
    try: open(path, "a").close()
    except OSError: return "read"
    return "write"
print(json.dumps([access(path) for path in sys.argv[1:]]))
"""
WORDS = (("read", "frozen"), ("write", "writable"), ("read", "readable"), ("none", "masked"))


@pytest.mark.parametrize("seed", range(3))
def test_of_any_profile_the_deepest_word_counts(cell, seed):
    deepest_word_counts(*cell, seed)


@pytest.mark.soak
def test_of_many_profiles_the_deepest_word_counts(cell):
    for seed in range(3, 150):
        deepest_word_counts(*cell, seed)


def deepest_word_counts(here, mechanism: str, seed: int) -> None:
    folders = [Path(*parts) for deep in range(1, 5) for parts in itertools.product(("data",), *["ab"] * (deep - 1))]
    files = [here.file(f"{folder}/file") for folder in folders]
    chance = random.Random(seed)
    known = {word: {here.root / folder for folder in folders if chance.random() < 0.2} for _, word in WORDS}
    others = known["readable"] | known["masked"] | known["writable"]
    known["frozen"] = {path for path in known["frozen"] if innermost(path.parent, others) in known["writable"]}
    ran = here.python(mechanism, LOOK, *map(str, files), **{word: tuple(paths) for word, paths in known.items()})
    assert ran.code == 0, (ran.out, known)
    assert ran.said == [expected(file, known) for file in files], known


def innermost(path: Path, among: set[Path]) -> Path | None:
    return next((place for place in (path, *path.parents) if place in among), None)


def expected(file: Path, known: dict[str, set[Path]]) -> str:
    hidden = any(file.is_relative_to(folder) for folder in SCRATCH)  # where an ordinary user's tests have to live
    told = (access for place in file.parents for access, word in WORDS if place in known[word])
    return next(told, "none" if hidden else "read")


def test_a_link_to_what_is_masked_leads_nowhere(cell):
    here, mechanism = cell
    secret = here.file("masked/secret", "told")
    (here.clone / "link").symlink_to(secret)
    ran = here.sh(mechanism, f"cat {here.clone}/link /proc/self/root{secret}", masked=(secret.parent,))
    assert "told" not in ran.out
    assert ran.code != 0


def test_an_alias_shows_the_clone_and_what_is_frozen_in_it_stays_so(cell):
    here, mechanism = cell
    here.file("repo/src/file", "the user's")
    here.file("clone/src/file", "the agent's")
    here.file("clone/src/held/file")
    repo = here.root / "repo"
    script = f"cat {repo}/src/file; echo more > {repo}/src/new; echo no > {repo}/src/held/file"
    more = {"masked": (repo,), "aliases": ((repo / "src", here.clone / "src"), (repo / "gone", here.clone / "gone"))}
    ran = here.sh(mechanism, script, frozen=(here.clone / "src/held",), **more)
    assert ran.out.startswith("the agent's")
    assert (here.clone / "src/new").read_text() == "more\n"
    assert (here.clone / "src/held/file").read_text() == "text"
    assert not (repo / "src/new").exists()
    anew = f"rm -r {here.clone}/src; mkdir {here.clone}/src; echo anew > {here.clone}/src/file; cat {repo}/src/file"
    assert here.sh(mechanism, f"cat {repo}/gone 2>/dev/null; {anew}", **more).out == "anew\n"


def test_no_rights_are_left_and_none_can_be_had(cell):
    here, mechanism = cell
    ran = here.sh(mechanism, "grep -E 'Cap|NoNewPrivs' /proc/self/status")
    found = dict(line.split(":\t") for line in ran.out.splitlines())
    assert found.pop("NoNewPrivs") == "1"
    assert set(found.values()) == {"0" * 16}


def test_nobody_sets_the_limits_of_the_first_process(cell):
    here, mechanism = cell
    ran = here.sh(mechanism, "ulimit -n 64; ulimit -n; prlimit --pid 1 --nofile=32:32 && echo set; prlimit --version")
    assert ran.out.splitlines()[0] == "64"
    assert "set" not in ran.out.splitlines()
    assert "util-linux" in ran.out


def test_only_its_own_processes_are_there_and_the_first_one_is_closed(cell):
    here, mechanism = cell
    script = """
        for path in environ mem maps; do cat /proc/1/$path >/dev/null 2>&1 && echo "read $path"; done
        ls /proc/1/fd /proc/1/root /proc/1/cwd >/dev/null 2>&1 && echo looked
        for number in KILL STOP TERM; do kill -$number 1 2>/dev/null; done
        sleep 0.05; ls -d /proc/[0-9]* | wc -l
    """
    ran = here.sh(mechanism, script)
    assert ran.code == 0
    assert int(ran.out) <= 5


def test_the_network_is_empty(cell):
    here, mechanism = cell
    with socket.create_server(("127.0.0.1", 0)) as outside, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0quarterdeck-test")
        abstract.listen()
        script = f"""
import socket
def attempt(family, address, kind=socket.SOCK_STREAM):
    try:
        with socket.socket(family, kind) as mine:
            mine.settimeout(1); mine.connect(address); mine.send(b"x")
        print("reached", address)
    except OSError: pass
attempt(socket.AF_INET, ("127.0.0.1", {outside.getsockname()[1]}))
attempt(socket.AF_INET, ("192.0.2.1", 80))
attempt(socket.AF_INET, ("192.0.2.1", 53), socket.SOCK_DGRAM)
attempt(socket.AF_UNIX, "\\0quarterdeck-test")
print(socket.if_nameindex())
"""
        ran = here.python(mechanism, script)
    assert ran.out == "[(1, 'lo')]\n"


@pytest.mark.parametrize("folder", ["/tmp", "/run", "outside"])
def test_sockets_of_other_programs_are_out_of_reach(cell, folder):
    here, mechanism = cell
    base = here.outside if folder == "outside" else Path(folder)
    path = base / f"quarterdeck-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            listening.bind(str(path))
        except OSError as error:
            pytest.skip(str(error))
        listening.listen()
        os.chown(path, here.uid, here.uid)
        try:
            script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
            ran = here.python(mechanism, script, str(path))
        finally:
            path.unlink()
    assert ran.code != 0
    assert "Error" in ran.out


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_a_tmux_server_outside_starts_nothing(cell):
    here, mechanism = cell
    folder = here.folder("tmux")
    name = here.folder("tmux") / "server"
    tmux = ["tmux", "-S", str(name)]
    who = {"user": here.uid, "group": here.uid, "extra_groups": []} if here.uid != os.getuid() else {}
    subprocess.run([*tmux, "new-session", "-d", "sleep", "30"], check=True, env={"HOME": str(folder)}, **who)
    try:
        escaped = here.outside / "escaped"
        ran = here.sh(mechanism, f"tmux -S {name} new-session -d 'touch {escaped}'; sleep 0.1", readable=(folder,))
        assert "error" in ran.out
        assert not escaped.exists()
    finally:
        subprocess.run([*tmux, "kill-server"], check=True, **who)


def test_root_can_not_turn_the_kernel_s_switches_nor_read_its_secrets(cell):
    here, mechanism = cell
    switches = ["kernel/core_pattern", "kernel/modprobe", "vm/drop_caches", "net/ipv4/ip_forward"]
    if mechanism == "namespaces":  # there it is the limit on processes
        switches.append("kernel/pid_max")
    wanted = [f"/proc/sys/{name}" for name in switches] + ["/proc/sysrq-trigger", "/sys/power/state", "/dev/kmsg"]
    script = "".join(f"( exec 3> {path} ) 2>/dev/null && echo {path}\n" for path in wanted)
    script += "".join(f"grep -q . {path} 2>/dev/null && echo {path}\n" for path in ("/etc/shadow", "/etc/sudoers"))
    ran = here.sh(mechanism, script + "ls /dev | grep -E 'sd|vd|nvme|loop|mem'; true")
    assert ran.out == ""


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_namespaces_of_its_own_uncover_nothing(cell):
    here, mechanism = cell
    secret = here.file("masked/secret", "told")
    folder, masked = here.folder("clone/there"), here.root / "masked"
    inner = f"""
        umount {masked}; umount -l /tmp; umount -R /; mount --bind / {folder} && cat {folder}{secret}
        mount -o remount,bind,rw / ; touch {here.outside}/new; mount -t proc proc {folder} && echo 1 > {folder}/sys/vm/drop_caches && echo dropped
        mount --rbind / {folder} && umount {folder}{masked} && cat {folder}{secret}; cat {secret}
    """
    ran = here.sh(mechanism, f"unshare -Urmpf sh -c '{inner}' 2>&1", masked=(masked,), readable=(here.outside,))
    assert "told" not in ran.out
    assert "dropped" not in ran.out
    assert list(here.outside.iterdir()) == []


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_an_ordinary_user_s_program_may_bring_its_own_bubblewrap(cell):
    here, mechanism = cell
    if here.uid == 0:
        pytest.skip("/proc is guarded for root, so that no fresh one can be mounted")
    ran = here.sh(mechanism, "bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all true")
    assert (ran.code, ran.out) == (0, "")


def test_terminals_can_be_opened_and_shared_memory_used(cell):
    here, mechanism = cell
    script = """
import os
ours, theirs = os.openpty(); os.write(theirs, b"x"); assert os.read(ours, 9) == b"x"
assert os.ttyname(theirs).startswith("/dev/pts/")
open("/dev/null", "w").write("x"); assert len(open("/dev/urandom", "rb").read(8)) == 8
from multiprocessing import Lock; Lock()
"""
    ran = here.python(mechanism, script.replace("import os\n", "import os\n", 1))
    assert (ran.code, ran.out) == (0, "")


def test_no_mount_is_seen_outside(cell):
    here, mechanism = cell
    before = Path("/proc/self/mountinfo").read_text()
    assert here.sh(mechanism, f"cat /proc/self/mountinfo; ls {here.clone}").code == 0
    assert Path("/proc/self/mountinfo").read_text() == before


def test_a_link_planted_in_scratch_is_not_followed(cell):
    here, mechanism = cell
    victim = here.folder("victim")
    (here.home / "tools").symlink_to(victim)
    shown = here.file("user/tools/prefix/file").parent
    ran = here.sh(mechanism, f"cat {shown}/file", readable=(shown,))
    assert (ran.code, ran.out) == (0, "text")
    assert list(victim.iterdir()) == []


def test_a_link_in_place_of_what_is_frozen_refuses(cell):
    here, mechanism = cell
    (here.clone / ".git").symlink_to(here.outside)
    ran = here.sh(mechanism, "echo ran", frozen=(here.clone / ".git",))
    assert str(here.clone / ".git") in ran.refused
    assert "ran" not in ran.out


def test_what_is_to_be_shown_and_is_not_there_refuses_in_one_sentence(cell):
    here, mechanism = cell
    masked = here.folder("masked")
    missing = masked / "missing"
    for more in ({"readable": (missing,)}, {"writable": (missing,)}, {"home": missing}):
        ran = here.sh(mechanism, "echo ran", masked=(masked,), **more)
        assert str(missing) in ran.refused
        assert len(ran.out.splitlines()) == 1


def test_files_do_not_grow_beyond_their_limit(cell):
    here, mechanism = cell
    ran = here.sh(mechanism, f"head -c 100000 /dev/zero > {here.clone}/big", file_bytes=4096)
    assert ran.code != 0
    assert (here.clone / "big").stat().st_size == 4096


def test_processes_do_not_grow_beyond_their_limit(cell):
    here, mechanism = cell
    if (mechanism, here.uid) == ("bubblewrap", 0):
        pytest.skip("bubblewrap leaves root nothing to limit itself with")
    script = """
import os, time
begun = 0
try:
    while begun < 200:
        if os.fork() == 0: time.sleep(5); os._exit(0)
        begun += 1
except BlockingIOError: pass
print(begun, flush=True)
import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(-1, signal.SIGTERM)
"""
    ran = here.python(mechanism, script, processes=40)
    assert 30 <= int(ran.out) <= 40
