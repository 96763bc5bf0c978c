"""Fixtures that keep tests off the network and away from the user's files.

pytest finds them wherever c2l is installed; a test that asks for none of them sees no difference::

    @pytest.fixture(autouse=True)
    def alone(own_world, no_network): ...
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

_NOWHERE = "http://127.0.0.1:9"  # the port "discard", where nobody listens
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of its own for c2l, and none of the user's settings."""
    for name in [name for name in os.environ if name.startswith("C2L_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "c2l-home"
    monkeypatch.setenv("C2L_HOME", str(home))
    return home


@pytest.fixture
def own_packages(own_world: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder for packages of the test's own, and a registry that finds their plugins.

    ``c2l.testing.install_package`` writes them. Afterwards they are forgotten.
    """
    from c2l.plugins import registry
    from c2l.testing import on_path

    folder = tmp_path / "site-packages"
    folder.mkdir()
    registry.cache_clear()
    with on_path(folder):
        yield folder
    registry.cache_clear()


@pytest.fixture(scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection but those to this machine, in child processes as well.

    Children are given a proxy where nobody listens, and Hugging Face's own switch.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        patch.setenv("HF_HUB_OFFLINE", "1")
        for name in _PROXIES:
            patch.setenv(name, _NOWHERE)
            patch.setenv(name.upper(), _NOWHERE)
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "localhost,127.0.0.1,::1")
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_others(address[0])
        return connect(self, address)

    return guarded


def _guarded_lookup(lookup: Any) -> Any:
    def guarded(host: Any, *arguments: Any, **keywords: Any) -> Any:
        _refuse_others(host)
        return lookup(host, *arguments, **keywords)

    return guarded


def _refuse_others(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name and name not in ("localhost", socket.gethostname()) and not _is_loopback(name):
        # An ``OSError`` would pass for a network that is down, and be handled.
        pytest.fail(f"this test asks the network for {name}")


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback or ip_address(name).is_unspecified
    except ValueError:
        return False
