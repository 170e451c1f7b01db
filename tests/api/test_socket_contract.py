"""The client contract over the unix socket."""

from support.client_contract import ClientContract


class TestOverTheSocket(ClientContract):
    """Fixtures are those of this folder."""
