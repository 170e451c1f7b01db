"""Where a repository's engine, record and files are; found without asking an engine."""

from workspaces.identity import Place, identify
from workspaces.layout import Layout, socket_path, state_folder

__all__ = ["Layout", "Place", "identify", "socket_path", "state_folder"]
