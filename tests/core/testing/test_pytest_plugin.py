"""The fixtures that every test of this suite runs in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from c2l.plugins import registry
from c2l.testing import install_package, plugin_source

ELSEWHERE = "192.0.2.1"  # reserved for documentation: nobody has it

CHILD = f"""
import urllib.request
try:
    urllib.request.urlopen("http://{ELSEWHERE}/", timeout=60)
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("how", ["connect", "connect_ex"])
def test_a_connection_to_elsewhere_fails_the_test(how: str) -> None:
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception, match=ELSEWHERE):
        getattr(connection, how)((ELSEWHERE, 80))


def test_a_name_of_elsewhere_is_not_looked_up() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"huggingface\.co"):
        socket.create_connection(("huggingface.co", 443))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1])).close()


def test_sockets_without_a_network_are_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        assert other.recv(1) == b"x"


def test_a_child_process_reaches_nobody_either() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=60)
    assert "refused" in done.stdout


def test_the_world_is_this_tests_own(own_world: Path, tmp_path: Path) -> None:
    assert own_world.is_relative_to(tmp_path) and not own_world.exists()
    assert {n for n in os.environ if n.startswith("C2L_")} == {"C2L_HOME"}
    assert os.environ["C2L_HOME"] == str(own_world)


def test_packages_of_a_test_are_found(own_packages: Path) -> None:
    install_package(own_packages, "mygan", {"faces": plugin_source("my-faces")})
    assert "my-faces" in registry().kinds("generator")


def test_and_forgotten() -> None:
    assert "my-faces" not in registry().kinds("generator")


def test_the_plugin_is_light() -> None:
    """pytest imports it in the suites of everybody who has c2l installed."""
    heavy = "{'torch', 'pydantic', 'numpy'}"
    code = f"import c2l.testing.pytest_plugin, sys; sys.exit(bool({heavy} & {{*sys.modules}}))"
    subprocess.run([sys.executable, "-c", code], check=True)
