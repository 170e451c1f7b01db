"""How programs are confined: what they may see and change (a profile), and the mechanisms that see to it.

For the engine: `profile` (what), `tiers` (how well), `mounts` (a profile as mounts), `cells` (both on their way to a
keeper), `cgroup`, and `probe`, which finds the tier in force. In a keeper, whose start is counted in milliseconds, so
that they import next to nothing: `inside` (the cell, and how it fails), `namespaces` with `covering`, `bubblewrap`,
`settling` for who is inside, `landlock`, `seccomp`, `seatbelt`, on `syscalls`. Import from the modules.
"""
