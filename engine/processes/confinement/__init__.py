"""How programs are confined: what they may see and change (a profile), and the mechanisms that see to it.

`profile`, `tiers`, `mounts`, `cells`, `cgroup`, `probe` and `seatbelt` are for the engine. `inside`, `syscalls`,
`namespaces`, `bubblewrap` and `landlock` run in a keeper process as well, whose start is counted in milliseconds: they
import next to nothing. Import from the modules; nothing is imported here.
"""
