"""The page on other programs: its code runs against a server, its rules are those of the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from doc_pages import blocks_of, code_of, section_of, text_of
from pydantic import BaseModel
from served import Served

from c2l.web.a1111.shapes import PictureBody, TextBody
from c2l.web.compat.drawing import ALIASES
from c2l.web.compat.sizes import MOST_PIXELS, MOST_SIDE
from c2l.web.openai.shapes import EditsBody, GenerationsBody, ImagesAnswer, VariationsBody

PAGE = "docs/clients.md"


def served_by(code: str, served: Served) -> str:
    port = urlsplit(served.url).port
    return code.replace("localhost:8000", f"localhost:{port}").replace("port=8000", f"port={port}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("heading", ["The openai package", "webuiapi"])
def test_python(
    heading: str,
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(section_of(PAGE, heading), "py")
    assert blocks
    exec(compile(served_by("\n".join(blocks), served), PAGE, "exec", dont_inherit=True), {})
    told = capsys.readouterr().out
    assert "['demo-faces', 'demo-landscapes']" in told and (tmp_path / "7.png").exists()
    if heading != "webuiapi":
        assert "record 4" in told and "image_generation.partial_image" in told


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", blocks_of(text_of(PAGE), "sh"))
def test_curl(block: str, served: Served) -> None:
    env = {**os.environ, "C2L_TOKEN": "", "NO_PROXY": "*"}
    ran = subprocess.run(
        ["sh", "-c", served_by(block, served)], capture_output=True, check=True, env=env
    )
    answer = json.loads(ran.stdout)
    assert "error" not in answer and ("data" in answer or "images" in answer)


def test_the_rules_are_those_of_the_code() -> None:
    rules = section_of(PAGE, "How requests are interpreted")
    for alias, own in ALIASES.items():
        assert f"`{alias}`" in rules and f"`{own}`" in rules
    assert f"{MOST_SIDE} pixels a side" in rules
    assert f"{MOST_PIXELS / 1e6:.1f} million" in rules


@pytest.mark.parametrize(
    "shape", [GenerationsBody, EditsBody, VariationsBody, TextBody, PictureBody, ImagesAnswer]
)
def test_fields(shape: type[BaseModel]) -> None:
    told = set(re.findall(r"\w+", code_of(section_of(PAGE, "Fields"))))
    assert set(shape.model_fields) - told == set()
