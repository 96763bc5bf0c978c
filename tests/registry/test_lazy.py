"""Public names: one list, that of the stub."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import c2l
import c2l_registry


@pytest.mark.parametrize("package", [c2l, c2l_registry], ids=lambda package: package.__name__)
def test_every_name_of_the_stub_is_there(package: ModuleType) -> None:
    assert package.__file__ is not None
    stub = Path(package.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    names = {a.asname: node.module for node in ast.parse(stub).body
             if isinstance(node, ast.ImportFrom) for a in node.names}  # fmt: skip
    assert set(package.__all__) == set(names)
    for name, module in names.items():
        assert getattr(package, name) is getattr(sys.modules[module or ""], name)
        assert name in dir(package)
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'x'"):
        package.x  # noqa: B018


def test_importing_loads_none_of_them() -> None:
    code = "import sys, c2l, c2l_registry; sys.exit(bool({'torch', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
