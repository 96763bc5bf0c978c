"""Tests use neither the network nor the weights and settings of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["c2l.testing.pytest_plugin"]


@pytest.fixture(autouse=True)
def _alone(own_world: Path, no_network: None) -> None: ...
