"""Which changes run code later, or change the rules, without anybody asking for it: they wait for a person's word.

What is told apart is not code from data: all of a change is code of the project, and runs when somebody builds or tests
it. Held back is what acts *unasked*: on a git command, on opening or entering the folder, on a push, at the start of
an agent or of the next run. So not Makefile, conftest.py, package.json or a `.npmrc`, which act when the project is
built; and not `.gitignore`, which runs nothing and can hide nothing from a review, as what is ignored is not merged.
Instructions for agents (CLAUDE.md, AGENTS.md) are held: later sessions follow them, with all the rights of their user.

Names count in any folder, as most of these tools look in any, and in whatever spelling some file system takes for the
same. It refuses nothing but what would land among the engine's own files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from engine.core.globs import allowed
from engine.core.values import Guarded

MOST = 100
"""So many files of a change are written down; it is held for one as for all."""
NAMED = 3
"""So many of them a question names itself."""
OURS = ".quarterdeck"
LINK, MODULE = "120000", "160000"


class Touch(NamedTuple):
    """One path that a change touches: its names before and after, its modes (git's octal text), empty where none.

    `target` is where a link leads after the change; None where that can not be told.
    """

    old: str
    new: str
    old_mode: str = ""
    new_mode: str = ""
    target: str | None = None


_GIT = "git itself acts on it"
_HOOK = "git runs it as a hook"
_CI = "it runs on a push, where secrets are"
_REVIEW = "it says who must review"
_EDITOR = "an editor acts on it when the folder is opened"
_AGENT = "coding agents are set up or told by it"
_SHELL = "it runs when the folder is entered or opened"
_OWN = "it sets the rules of later runs"

_FOLDERS: dict[str, tuple[str, ...]] = {
    _GIT: (".git",),
    _HOOK: (".githooks", ".git-hooks", ".husky", ".lefthook"),
    _CI: (
        *(".github", ".gitlab", ".gitea", ".forgejo", ".circleci", ".buildkite", ".woodpecker", ".semaphore"),
        *(".teamcity", ".builds", ".azure-pipelines", ".tekton"),
    ),
    _EDITOR: (".vscode", ".idea", ".fleet", ".zed", ".helix", ".vs", ".nvim"),
    _AGENT: (
        *(
            ".claude",
            ".codex",
            ".gemini",
            ".cursor",
            ".opencode",
            ".agents",
            ".agent",
            ".windsurf",
            ".roo",
            ".continue",
        ),
        *(".clinerules", ".cline", ".kiro", ".qwen", ".amazonq", ".junie", ".aider", ".augment", ".goose", ".crush"),
    ),
    _SHELL: (".devcontainer", ".mise", ".direnv"),
    _OWN: (OURS,),
}
_FILES: dict[str, tuple[str, ...]] = {
    _GIT: (".git", ".gitattributes", ".gitmodules", ".gitconfig", ".lfsconfig"),
    _HOOK: (
        *(".pre-commit-config.yaml", ".pre-commit-config.yml", ".pre-commit-hooks.yaml", ".overcommit.yml"),
        *("lefthook.*", ".lefthook.*", "lefthook-local.*", ".lefthook-local.*", ".huskyrc*", ".simple-git-hooks.*"),
    ),
    _CI: (
        *(".gitlab-ci.yml", ".gitlab-ci.yaml", "jenkinsfile", "azure-pipelines.yml", "azure-pipelines.yaml"),
        *("bitbucket-pipelines.yml", ".travis.yml", ".drone.yml", ".drone.star", ".woodpecker.yml", ".cirrus.yml"),
        *(".cirrus.star", "appveyor.yml", ".appveyor.yml", "cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml"),
        *(".build.yml", "wercker.yml", "codemagic.yaml", ".readthedocs.yaml", ".readthedocs.yml", "netlify.toml"),
    ),
    _REVIEW: ("codeowners",),
    _EDITOR: (
        *("*.code-workspace", ".exrc", ".vimrc", ".nvimrc", ".nvim.lua", ".lvimrc", ".gvimrc"),
        *(".dir-locals.el", ".dir-locals-2.el"),
    ),
    _AGENT: (
        *(".mcp.json", "mcp.json", "claude.md", "claude.local.md", ".claude.json", "agents.md", "agents.override.md"),
        *("agent.md", "gemini.md", "qwen.md", "crush.md", "warp.md", ".cursorrules", ".cursorignore", ".windsurfrules"),
        *(".clinerules", ".roorules", ".goosehints", ".aider.conf.yml", "opencode.json", "opencode.jsonc"),
        *(".rules", "copilot-instructions.md", "skill.md"),
    ),
    _SHELL: (
        ".envrc",
        ".devcontainer.json",
        "mise.toml",
        ".mise.toml",
        "mise.*.toml",
        ".mise.*.toml",
        ".gdbinit",
        ".lldbinit",
    ),
    _OWN: ("quarterdeck.toml",),
}
_FOLDER_OF = {name: why for why, names in _FOLDERS.items() for name in names}
_FILE_OF = {name: why for why, names in _FILES.items() for name in names if "*" not in name}
_LIKE = [(name, why) for why, names in _FILES.items() for name in names if "*" in name]
_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What HFS+ leaves out of a name, as git has it."""


def spelled(name: str) -> str:
    """A name as the most careless file system has it: without case, unseen signs, a stream, trailing dots."""
    bare = _UNSEEN.sub("", unicodedata.normalize("NFC", name)).partition(":")[0]
    return unicodedata.normalize("NFC", bare.casefold()).rstrip(" .") or name


def why_guarded(path: str) -> str:
    """Why a path is held for a person's word; empty when it is not."""
    *folders, name = (spelled(part) for part in path.split("/"))
    found = next((_FOLDER_OF[folder] for folder in (*folders, name) if folder in _FOLDER_OF), "")
    return found or _FILE_OF.get(name, "") or next((why for like, why in _LIKE if allowed(name, (like,))), "")


def guarded(
    touches: Iterable[Touch], *, given: Collection[str] = (), hooks: str = "", links: Mapping[str, str] | None = None
) -> tuple[Guarded, ...]:
    """What of a change a person must grant, each path with the reason, at most `MOST` of them.

    `given` are globs that the person has allowed beforehand; one of them counts where it is itself the name of such a
    file (`.github/**`), not where it merely takes them in (`**`). `hooks` is the folder in which git of this repository
    looks for hooks, relative to its root, where that is inside it. `links` are those that were there before, with where
    each leads: what such a file is a link to is the file.
    """
    meant = [glob for glob in given if why_guarded(glob)]
    places = {tuple(spelled(part) for part in hooks.split("/") if part): _HOOK}
    places |= {
        _led(link, target): f"{link} is a link to it" for link, target in (links or {}).items() if why_guarded(link)
    }
    places.pop((), None)
    found = dict(_held(touches, meant, places))
    return tuple(Guarded(path=path, why=found[path]) for path in sorted(found)[:MOST])


def _held(
    touches: Iterable[Touch], given: Collection[str], places: Mapping[tuple[str, ...], str]
) -> Iterable[tuple[str, str]]:
    for touch in touches:
        for path in dict.fromkeys(filter(None, (touch.new, touch.old))):
            why = why_guarded(path) or next((why for place, why in places.items() if _along(path, place)), "")
            if why and not allowed(path, given):
                yield path, why
        if touch.new_mode == LINK and (led := _leads(touch)):
            yield touch.new, led
        if MODULE in {touch.old_mode, touch.new_mode}:
            yield touch.new or touch.old, "another repository's code comes in with it"


def _led(link: str, target: str) -> tuple[str, ...]:
    """Where a link leads, by what it says; nowhere when out of the repository."""
    if target.startswith("/"):
        return ()
    steps = [spelled(step) for step in link.split("/")[:-1]]
    for step in (step for step in target.split("/") if step not in {"", "."}):
        if step == ".." and not steps:
            return ()
        steps = steps[:-1] if step == ".." else [*steps, spelled(step)]
    return tuple(steps)


def _along(path: str, folder: tuple[str, ...]) -> bool:
    """Whether it is in the folder, or in the place of it or of one above it, where a link would lead elsewhere."""
    parts = tuple(spelled(part) for part in path.split("/"))
    both = min(len(parts), len(folder))
    return parts[:both] == folder[:both]


def _leads(touch: Touch) -> str:
    """Why a link is held, if it is. One that moved leads elsewhere, whatever it says.

    Folders of a tree are no links, so steps up at its beginning are what they seem; a later one may begin at a link.
    """
    if touch.target is None:
        return "a link, and where it leads can not be told"
    steps = [step for step in touch.target.split("/") if step not in {"", "."}]
    up = next((at for at, step in enumerate(steps) if step != ".."), len(steps))
    if touch.target.startswith("/") or up > touch.new.count("/") or ".." in steps[up:]:
        return f"a link that leads out of the repository, to {touch.target}"
    into = next((step for step in steps if spelled(step) in {".git", OURS}), "")
    return f"a link into {into}" if into else ""


def ours(paths: Iterable[str]) -> tuple[str, ...]:
    """Those paths that would be checked out among the engine's own files, where a file is a message or a task."""
    return tuple(path for path in paths if spelled(path.partition("/")[0]) == OURS)


def named(files: Collection[Guarded], most: int = NAMED) -> str:
    """A few of the files, each with its reason, and how many more there are."""
    by_reason: dict[str, list[str]] = {}
    for file in list(files)[:most]:
        by_reason.setdefault(file.why, []).append(file.path)
    told = "; ".join(f"{', '.join(paths)} ({why})" for why, paths in by_reason.items())
    more = len(files) - most
    if more <= 0:
        return told
    return f"{told} and {more}{' or more' if len(files) >= MOST else ''} other{'s' * (more > 1)}"
