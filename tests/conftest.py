"""Tests never see the developer's machine: own cache, no network, no settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("c2l", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("c2l")


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("C2L_DISABLE_PLUGINS", "C2L_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C2L_HOME", str(tmp_path / "c2l-home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
