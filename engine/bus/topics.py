"""Names on the bus, and who may read and write under them. Pure, and light: the embedded broker loads it as well.

Everything lies below `qd1/REPO-ID/`; the 1 is the version of the client protocol. Programs may share an account, so
each names a session of its own below `cmd/` and `reply/`; without one, both topics are for commands by hand.
"""

from __future__ import annotations

ENGINE = "engine"
"""The engine's account. Nobody else writes anything but commands of their own."""
VERSION = "qd1"
READABLE = ("engine", "agent", "task", "ev")
"""What every account may read; `ui` is between one account and the engine."""


class Topics:
    """The topics of one repository."""

    def __init__(self, repo_id: str) -> None:
        self.root = f"{VERSION}/{repo_id}"
        self.presence = f"{self.root}/engine/presence"
        self.state = f"{self.root}/engine/state"
        self.commands = (f"{self.root}/ui/+/cmd", f"{self.root}/ui/+/cmd/+")

    def agent(self, name: str) -> str:
        """An agent's state, retained."""
        return f"{self.root}/agent/{name}/state"

    def log(self, name: str) -> str:
        """What an agent's programs print, in batches, without a promise."""
        return f"{self.root}/agent/{name}/log"

    def task(self, name: str) -> str:
        """A task's state, retained."""
        return f"{self.root}/task/{name}/state"

    def event(self, kind: str) -> str:
        """Events of one kind."""
        return f"{self.root}/ev/{kind}"

    def command(self, user: str, session: str = "") -> str:
        """Where a client speaks."""
        return f"{self.root}/ui/{user}/cmd" + (f"/{session}" if session else "")

    def reply(self, user: str, session: str = "") -> str:
        """Where it is answered."""
        return f"{self.root}/ui/{user}/reply" + (f"/{session}" if session else "")

    def speaker(self, topic: str) -> tuple[str, str]:
        """Account and session (empty: none) of a topic that matches `commands`."""
        _, user, _, *session = topic.removeprefix(f"{self.root}/").split("/")
        return user, "".join(session)


def may_read(user: str, topic: str, root: str) -> bool:
    """Whether a message on `topic` may reach this account."""
    if user == ENGINE:
        return _below(topic, root)
    return _below(topic, f"{root}/ui/{user}/reply") or any(_below(topic, f"{root}/{room}") for room in READABLE)


def may_write(user: str, topic: str, root: str) -> bool:
    """Whether this account may send to `topic`."""
    return _below(topic, root if user == ENGINE else f"{root}/ui/{user}/cmd")


def mosquitto_acl(root: str, users: tuple[str, ...]) -> str:
    """The same rules as an ACL file of mosquitto (mosquitto.conf(5), acl_file)."""
    lines = [f"user {ENGINE}", f"topic readwrite {root}/#"]
    for user in users:
        lines += ["", f"user {user}", *(f"topic read {root}/{room}/#" for room in READABLE)]
        lines += [f"topic read {root}/ui/{user}/reply/#", f"topic write {root}/ui/{user}/cmd/#"]
    return "\n".join((*lines, ""))


def _below(topic: str, top: str) -> bool:
    return topic == top or topic.startswith(f"{top}/")
