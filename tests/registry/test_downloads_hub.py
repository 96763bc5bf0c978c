"""Files of the Hugging Face Hub, whose own client fetches them into its own cache."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from bad_server import bad_server

DATA = random.Random(1).randbytes(300_000)
PROGRAM = """
import sys
from pathlib import Path
from c2l_registry.downloads import fetch_files
from c2l_registry.errors import C2LError
from c2l_registry.weights import WantedFile
path, *urls = sys.argv[1:]
said = []
try:
    fetch_files([WantedFile(Path(path), tuple(urls))], report=lambda f, here, n: said.append(here))
    print("whole", said[-1])
except C2LError as error:
    print(type(error).__name__, error)
"""


def run(folder: Path, base: str, path: Path, *urls: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), *urls],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HF_ENDPOINT": base,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **env,
        },
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_through_the_cache_of_the_hub(tmp_path: Path) -> None:
    place = tmp_path / "weights" / "net.pkl"
    with bad_server() as server:
        server.add("/someone/models/resolve/main/sub/net.pkl", DATA)
        url = "hf:someone/models/sub/net.pkl"
        assert run(tmp_path, server.base, place, url) == f"whole {len(DATA)}\n"
        assert place.read_bytes() == DATA
        assert place.resolve().is_relative_to((tmp_path / "hf").resolve())
        other = tmp_path / "other" / "net.pkl"
        assert "whole" in run(tmp_path, server.base, other, url, C2L_OFFLINE="1")
        assert other.read_bytes() == DATA

        gone = tmp_path / "gone.pkl"
        missing = "hf:someone/models/gone.pkl"
        said = run(tmp_path, server.base, gone, missing)
        assert said.startswith("NotDownloaded gone.pkl cannot be fetched: Hugging Face ")
        assert said.count("\n") == 1 and not gone.exists()
        assert "whole" in run(tmp_path, server.base, gone, missing, server.add("/net.pkl", DATA))
        assert gone.read_bytes() == DATA and not gone.is_symlink()
