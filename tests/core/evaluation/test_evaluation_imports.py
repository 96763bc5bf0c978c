"""The modules of evaluation and training have an order: none imports itself, however lazily."""

from __future__ import annotations

import graphlib

import grimp
import pytest


@pytest.mark.parametrize("package", ["c2l.evaluation", "c2l.training"])
def test_there_is_no_circle(package: str) -> None:
    graph = grimp.build_graph("c2l")
    modules = {package, *graph.find_descendants(package)}
    imports = {m: graph.find_modules_directly_imported_by(m) & modules for m in modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError
