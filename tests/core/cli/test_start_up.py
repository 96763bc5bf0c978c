"""What a first picture has to import, which takes longer than drawing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = {"open_clip", "torchvision", "timm", "sympy", "torch._dynamo", "torch._inductor"}


def test_the_demo_draws_without_open_clip_and_torchs_compiler(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from c2l.cli.app import main\n"
        f"sys.argv = ['c2l', 'sample', 'a happy man', '-n', '1', '-o', {str(tmp_path)!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print('imported:', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=True
    )
    assert done.stdout.splitlines()[-1] == "imported: []", done.stderr
    assert len(list(tmp_path.glob("*.png"))) == 1


TRAINING = """
import sys
from pathlib import Path
import c2l
from c2l.testing import ToyEmbedder, ToyGenerator
pairs = c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 200, Path(sys.argv[1]) / "pairs")
small = {"hidden": 16, "num_blocks": 1}
c2l.train_prior("flow", pairs, Path(sys.argv[1]) / "x.safetensors", settings=small, steps=40)
"""
NOTEBOOK = """
import c2l
assert len(c2l.load_pipeline("demo-faces")("a happy man").images)
"""


def test_training_and_a_notebook_draw_without_them_as_well(tmp_path: Path) -> None:
    code = f"{TRAINING}{NOTEBOOK}print(sorted({HEAVY!r} & set(sys.modules)))\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
