"""What ``c2l new`` writes works as it is: installed, listed, and its own tests pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from machine import Machine

KINDS = {"generator": "new-gan", "embedder": "new-clip", "prior": "new-prior"}


@pytest.mark.timeout(1800)  # some thirty processes: a minute of work, much more on a busy machine
def test_all_three_pass_their_own_tests(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path)
    for interface, name in KINDS.items():
        made = json.loads(machine.c2l("new", interface, name, "--json").stdout)
        machine.install("-e", f"./{made['folder']}")
    plugins, models = machine.listed("plugins"), machine.listed("models")
    for interface, name in KINDS.items():
        plugin = plugins[name]
        assert (plugin["dist"], plugin["state"]) == (f"c2l-{name}", "available")
        assert plugin["summary"] == f"The {interface} {name}."
        assert not plugin["note"], "it imports torch to describe itself"
        assert models[name]["interface"] == interface
        tests = f"c2l-{name}/tests"
        said = machine.run("-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", tests)
        assert "passed" in said.stdout and "skipped" not in said.stdout
    # A name that is taken by now is refused.
    error = machine.c2l("new", "generator", "new-gan", "--out", "other", code=2).stderr
    assert "the name new-gan is taken: c2l-new-gan provides generators" in error
