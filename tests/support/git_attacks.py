"""What an agent can plant in its clone to have git run its code, or to reach what is not its own: one script each.

Each is a shell script that runs in the clone as the agent. `$EVIL NAME` is a program that leaves a canary outside, and
does what a filter or a hook would: whoever runs it outside of the agent's own confinement is found by that file.
`$MAIN` is the person's repository, `$CANARY` a folder beside it, `$AT` the clone.
"""

from __future__ import annotations

_EVIL = """#!/bin/sh
mkdir -p "{canary}" && echo "$0 $*" >> "{canary}/ran-${{1:-}}"
echo "$*" >> "$HOME/ran"
exec cat
"""

_BEGIN = """
set -u
AT=$PWD MAIN='{main}' CANARY='{canary}'
EVIL=.git/evil  # relative, since a path may have spaces in it; git runs programs from the top of the work tree
cat > .git/evil <<'PROGRAM'
{evil}
PROGRAM
chmod +x .git/evil
plant() {{  # a git directory that runs the program at every turn
  mkdir -p "$1/hooks" "$1/info"
  for hook in pre-commit prepare-commit-msg commit-msg post-commit post-checkout post-merge post-index-change \\
      pre-auto-gc reference-transaction post-rewrite pre-merge-commit sendemail-validate fsmonitor-watchman; do
    printf '#!/bin/sh\\nexec %s hook-%s < /dev/null\\n' "$EVIL" $hook > "$1/hooks/$hook"
    chmod +x "$1/hooks/$hook"
  done
  printf '* filter=evil diff=evil merge=evil\\n' > "$1/info/attributes"
  cat >> "$1/config" <<CONFIG
[core]
	fsmonitor = $EVIL
	sshCommand = $EVIL ssh
	pager = $EVIL pager
	editor = $EVIL editor
	askPass = $EVIL
	gitProxy = $EVIL proxy
	hooksPath = "$1/hooks"
	attributesFile = "$1/info/attributes"
[filter "evil"]
	clean = $EVIL clean
	smudge = $EVIL smudge
	required = true
[diff]
	external = $EVIL diff-external
[diff "evil"]
	textconv = $EVIL textconv
	command = $EVIL diff-command
[merge "evil"]
	driver = $EVIL merge
[gpg]
	program = $EVIL
[commit]
	gpgSign = true
[credential]
	helper = $EVIL credential
[uploadpack]
	packObjectsHook = $EVIL packobjects
[remote "origin"]
	url = ext::$EVIL remote
	promisor = true
	partialclonefilter = blob:none
	fetch = +refs/heads/*:refs/heads/*
[protocol "ext"]
	allow = always
[extensions]
	partialClone = origin
CONFIG
}}
"""

ATTACKS = {
    "config": 'plant "$AT/.git"',
    "include": 'plant "$AT/.git/more"; printf "[include]\\n\\tpath = more/config\\n" >> .git/config',
    "process": 'plant "$AT/.git"; git config --unset filter.evil.clean; git config filter.evil.process "$EVIL process"',
    "commondir": 'cp -r .git .git/common; plant "$AT/.git/common"; printf "%s\\n" "$AT/.git/common" > .git/commondir',
    "gitfile": 'mv .git aside; EVIL=aside/evil; plant "$AT/aside"; printf "gitdir: %s\\n" "$AT/aside" > .git',
    "gitlink": 'mv .git aside; EVIL=aside/evil; plant "$AT/aside"; ln -s aside .git',
    "main": 'rm -rf .git; ln -s "$MAIN/.git" .git',
    "alternates": 'mkdir -p .git/o/info; printf "%s\\n../../../../../etc\\n" "$AT/.git/o" > .git/objects/info/alternates',
    "written": 'rm -rf .git/objects/info; ln -s "$MAIN/.git/objects/info" .git/objects/info; rm -rf .git/refs; ln -s "$MAIN/.git/refs" .git/refs',
    "linked": 'for f in HEAD config index packed-refs; do rm -f .git/$f; ln -s "$MAIN/.git/$f" .git/$f; done; ln -s "$CANARY" .git/info',
    "refs": """
        mkdir -p .git/refs/replace .git/info .git/refs/heads/main.lock
        printf '%s\\n' $(git rev-parse HEAD) > ".git/refs/heads/-x"
        printf 'ref: ../../../../outside\\n' > .git/refs/heads/up
        blob=$(echo evil | git hash-object -w --stdin)
        printf '%s\\n' $blob > .git/refs/replace/$(git rev-parse HEAD:a.txt)
        printf '%s\\n' $(git rev-parse HEAD) > .git/info/grafts
        printf '%s\\n' $blob > .git/refs/heads/main
        printf 'ref: refs/heads/main\\n' > .git/HEAD
        git update-ref refs/quarterdeck/attempts/x/y/1 HEAD; git tag -f v1""",
    "index": """
        echo poison > hidden.txt; git update-index --assume-unchanged hidden.txt
        git update-index --skip-worktree a.txt; echo poison > a.txt
        git config core.trustctime false; git config core.checkStat minimal; touch -r hidden.txt a.txt""",
    "worktree": 'git config core.worktree "$MAIN"',
    "objects": 'rm -rf .git/objects/??; rm -rf "$MAIN"/.git/objects/?? "$MAIN"/.git/objects/pack/*',
    "copies": 'rm -rf conf; ln -s "$CANARY" conf; ln -sf "$CANARY/env" .env',
    "pipes": "for f in index packed-refs shallow HEAD; do rm -f .git/$f; mkfifo .git/$f; done; mkfifo .gitattributes",
    "modules": """
        printf '[submodule "x"]\\n\\tpath = x\\n\\turl = ext::sh -c "touch %s/x"\\n\\tupdate = !touch\\n' "$CANARY" > .gitmodules
        git init -q x; plant "$AT/x/.git"; (cd x; git -c core.hooksPath= -c filter.evil.required=false commit -qm x --allow-empty)""",
    "spelled": 'mkdir -p .GIT/hooks .g\\u200cit git~1; echo x > .GIT/config; echo x > git~1/config; echo x > ".git "',
    "tracked": 'plant "$AT/.git"; printf "* filter=evil diff=evil merge=evil\\n" > .gitattributes',
    "direct": """
        for f in .git/hooks/post-checkout .git/hooks/post-merge .git/hooks/post-index-change .git/config .git/info/attributes \\
            .git/index.lock .git/refs/heads/mine .git/packed-refs .git/HEAD mine.txt .env; do
          printf '#!/bin/sh\\ntouch %s/direct\\n' "$CANARY" >> "$MAIN/$f"
        done
        git -C "$MAIN" update-ref refs/heads/main $(git commit-tree -m x HEAD^{tree})
        git -C "$MAIN" config core.fsmonitor "$EVIL main"
        for other in ../*/.git; do [ "$other" -ef .git ] || plant "$other"; done""",
}
"""By name. Some do no more than confinement forbids; those that git sees to are tried in `tests/workspaces` too."""

HELD_BY_CONFINEMENT = ("config", "commondir", "main", "written", "linked", "worktree", "objects", "copies", "direct")
"""Those whose end depends on the tier."""


def script(name: str, *, main: str, canary: str) -> str:
    """The shell script of an attack."""
    begin = _BEGIN.format(main=main, canary=canary, evil=_EVIL.format(canary=canary))
    return f"{begin}\n{ATTACKS[name]}\n"
