"""A config is not believed: what it asks for is compared with the file before it is made."""

from __future__ import annotations

import json
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import c2l
from c2l.errors import BadWeights

TINY = Path(__file__).parents[2] / "data" / "openclip-tiny" / "tiny-gelu"


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("text_cfg", {"layers": 10**9}, "layers 1000000000, which no model has"),
        ("vision_cfg", {"width": 10**12}, "width 1000000000000, which no model has"),
        ("vision_cfg", {"mlp_ratio": 1e300}, "mlp_ratio 1e.300, which no model has"),
        ("text_cfg", {"width": 1 << 14, "layers": 200}, "do(es)? not (fit into|hold)"),
        ("vision_cfg", {"width": 1 << 13, "patch_dropout": 0.5}, "do(es)? not (fit into|hold)"),
    ],
)
def test_giants_are_refused(
    section: str, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "giant"
    shutil.copytree(TINY, folder)
    config = folder / "open_clip_config.json"
    told = json.loads(config.read_text())
    told["model_cfg"][section].update(change)
    config.write_text(json.dumps(told))
    import open_clip  # noqa: F401 - what it takes is not counted below

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadWeights, match=message) as caught:
        c2l.load_embedder(f"openclip:{folder}")
    assert "\n" not in str(caught.value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * (1_000_000 if sys.platform == "darwin" else 1000)
