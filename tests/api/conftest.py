"""A served fake engine, and clients of it that are closed at the end."""

import pytest
from support.served import Served, short_folder

from engine.api.client import Client


@pytest.fixture
def folder():
    with short_folder() as found:
        yield found


@pytest.fixture
def served(folder):
    with Served(folder / "engine.sock") as engine:
        yield engine


@pytest.fixture
def connect(served):
    clients = []

    def new(**options):
        clients.append(Client.connect(served.path, **options))
        return clients[-1]

    yield new
    for client in clients:
        client.close()
