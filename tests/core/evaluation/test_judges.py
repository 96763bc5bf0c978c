"""Which judge belongs to which generator, and what is said when it cannot be had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from c2l.errors import PluginFailed
from c2l.evaluation import find_judge
from c2l.evaluation.judge import mark_attributes
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source

CARDS = """
[[recipe]]
name = "fake"
summary = "A recipe with a judge"
generator = "fake:world"
embedder = "openclip:demo"
prior = "flow:demo-faces"
judge = "{judge}"
"""


@pytest.mark.parametrize("judge", ["no_such_module:eyes", "fractions:eyes"])
def test_a_judge_that_cannot_be_imported_is_the_plugins_fault(tmp_path: Path, judge: str) -> None:
    source = plugin_source("fake", cards="fake.toml")
    install_package(
        tmp_path, "c2l-fake", {"fake": source}, files={"fake.toml": CARDS.format(judge=judge)}
    )
    registry.cache_clear()
    try:
        with on_path(tmp_path), pytest.raises(PluginFailed, match=f"the judge {judge} of the rec"):
            find_judge("fake:world")
    finally:
        registry.cache_clear()


def test_a_card_with_a_path_that_is_none_is_refused(tmp_path: Path) -> None:
    source = plugin_source("fake", cards="fake.toml")
    install_package(
        tmp_path, "c2l-fake", {"fake": source}, files={"fake.toml": CARDS.format(judge="eyes")}
    )
    registry.cache_clear()
    try:
        with on_path(tmp_path):
            (problem,) = registry().problems(cards=True)
            assert "[[recipe]] fake, judge" in str(problem)
    finally:
        registry.cache_clear()


def test_listing_recipes_imports_no_judge() -> None:
    code = "import sys; from c2l.cli.app import main; main(['recipes', 'list']); " \
        "sys.exit('torch' in sys.modules or 'c2l_demo.judge' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_shares_count_named_attributes_only() -> None:
    seen = {"hat": torch.tensor([[1, 0], [2, 2]]), "beard": torch.tensor([[0, 0], [1, 0]])}
    marks = mark_attributes([{"hat": 1}, {"hat": 2, "beard": 1}], seen)
    assert marks.share.tolist() == [[1, 0], [1, 0.5]]
    assert marks.all.tolist() == [[1, 0], [1, 0]]
    assert marks.by_attribute["beard"].tolist() == [[True, False]]
