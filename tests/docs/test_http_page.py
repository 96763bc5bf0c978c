"""The page about HTTP: its examples run against a server, and every route is listed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from doc_pages import blocks_of, section_of, text_of
from served import Served

PAGE = "docs/http.md"
ADDRESS = "http://127.0.0.1:8000"


def test_python(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks_of(text_of(PAGE), "python"):
        code = compile(block.replace(ADDRESS, served.url), PAGE, "exec", dont_inherit=True)
        exec(code, names)
    assert names["result"]["inversion"]["steps"] == 3
    assert (tmp_path / "strip.jpg").stat().st_size > 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
@pytest.mark.parametrize("block", blocks_of(text_of(PAGE), "bash"))
def test_curl(served: Served, tmp_path: Path, block: str) -> None:
    done = subprocess.run(
        ["bash", "-ec", block.replace(ADDRESS, served.url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    if "-o walk.gif" in block:
        assert (tmp_path / "walk.gif").read_bytes()[:3] == b"GIF"
    else:
        assert json.loads(done.stdout).keys() & {"pictures", "data"}


def test_every_route_is_listed(served: Served) -> None:
    listed = set(re.findall(r"`([A-Z]+ /\S*)`", section_of("docs/reference.md", "Routes")))
    described = {
        f"{method.upper()} {path}"
        for path, methods in served.app.openapi()["paths"].items()
        for method in methods
    }
    assert described - listed == set()
    assert listed - described == {"GET /openapi.json", "GET /", "WEBSOCKET /api/v1/live"}
