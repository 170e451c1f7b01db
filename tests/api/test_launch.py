"""Finding and starting the engine of a repository, with a fake engine as the process."""

import os
import threading
from pathlib import Path

import pytest
from support.aio import run
from support.repos import git, make

from engine.api import launch
from engine.api.calls import CallRefused
from engine.api.client import Client
from engine.api.errors import EngineGone, NoEngine
from workspaces import layout
from workspaces.errors import BareRepository, GitMissing, NotARepository
from workspaces.identity import identify
from workspaces.repository import Repository


@pytest.fixture
def repository(folder, monkeypatch):
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        (folder / name).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder / name))
    root = Path(launch.__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", f"{root}{os.pathsep}{root / 'tests'}")
    monkeypatch.setattr(launch, "DAEMON", "support.fake_daemon")
    return make(folder / "repo")


def test_an_engine_is_started_once_and_found_again(repository):
    with launch.ensure(repository) as first, launch.ensure(repository) as second:
        assert first.engine.pid == second.engine.pid != os.getpid()
        assert os.getsid(first.engine.pid) == first.engine.pid  # it outlives our terminal
        end(first)


def test_it_is_found_from_a_folder_below(repository):
    below = repository / "src"
    below.mkdir(exist_ok=True)
    assert launch.socket_path(below) == launch.socket_path(repository)


def test_two_clients_at_the_same_time_share_one_engine(repository):
    clients, errors = [], []
    together = threading.Barrier(5)

    def start():
        together.wait()
        try:
            clients.append(launch.ensure(repository))
        except Exception as error:  # noqa: BLE001  told below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({client.engine.pid for client in clients}) == 1
    end(clients[0])
    for client in clients:
        client.close()


def test_a_refusal_to_start_is_told_with_its_exit_code(repository, monkeypatch):
    monkeypatch.setenv("QUARTERDECK_FAKE", "refuse")
    with pytest.raises(CallRefused, match="the record is damaged") as no:
        launch.ensure(repository)
    assert (no.value.code, no.value.exit_code) == ("damaged", 5)


def test_an_engine_that_dies_at_its_start_shows_its_last_words(repository, monkeypatch):
    monkeypatch.setenv("QUARTERDECK_FAKE", "die")
    with pytest.raises(EngineGone, match=r"(?s)did not come up.*the disk is full"):
        launch.ensure(repository)


def test_an_engine_inherits_no_key_and_no_handle(repository, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    read, write = os.pipe()
    os.set_inheritable(write, True)  # noqa: FBT003
    with launch.ensure(repository) as client:
        os.close(write)
        assert os.read(read, 1) == b""  # nobody else holds the other end
        assert b"secret" not in Path(f"/proc/{client.engine.pid}/environ").read_bytes()
        end(client)
    os.close(read)


def test_its_output_goes_to_the_log_of_its_state_folder(repository):
    with launch.ensure(repository) as client:
        log = layout.state_folder(identify(repository).id) / "engine.log"
        assert f"starting {client.engine.pid}" in log.read_text()
        assert log.stat().st_mode & 0o077 == 0
        end(client)


def end(client):
    client.end()
    client.gone()
    for process in launch._started:
        process.wait(10)


# -- which repository ----------------------------------------------------------------------------------------------


def test_the_light_look_finds_what_the_thorough_one_finds(repository, folder):
    linked = folder / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    for place in (repository, linked, repository / ".git" / ".."):
        light, thorough = identify(place), run(Repository.open(place))
        assert (light.root, light.common_dir, light.id) == (thorough.root, thorough.common_dir, thorough.id)


def test_a_variable_of_a_hook_does_not_lead_it_elsewhere(repository, monkeypatch):
    expected = identify(repository)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert identify(repository) == expected


def test_what_is_no_repository_is_said(folder, repository, monkeypatch):
    with pytest.raises(NotARepository):
        identify(folder)
    with pytest.raises(NotARepository):
        identify(folder / "missing")
    with pytest.raises(NotARepository):
        identify(repository / ".git")
    git(folder, "init", "-q", "--bare", "bare")
    with pytest.raises(BareRepository):
        identify(folder / "bare")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(GitMissing):
        identify(repository)


def test_no_engine_is_started_by_only_looking(repository):
    with pytest.raises(NoEngine):
        Client.connect(launch.socket_path(repository))


def test_an_engine_that_is_just_ending_is_waited_for_and_replaced(repository):
    with launch.ensure(repository) as first:
        first.end()
        with launch.ensure(repository) as second:
            assert second.engine.pid != first.engine.pid
            end(second)
