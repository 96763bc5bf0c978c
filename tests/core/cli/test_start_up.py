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
