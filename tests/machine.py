"""A fresh environment, in which packages are installed as their users would install them."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEFORE_TESTS = dict(os.environ)
"""Without what keeps tests off the network, in child processes as well."""

_PIP = ("-m", "pip", "--disable-pip-version-check")
# Nothing is fetched: what a package needs is there, as is what builds it.
_OFFLINE = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")


@dataclass(frozen=True)
class Machine:
    """A fresh venv that sees all that is installed around it, as c2l and torch, at no cost."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Machine:
        venv.create(folder / "venv", symlinks=os.name != "nt")
        machine = cls(folder)
        site = machine.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
        outer = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        # addsitedir, unlike a plain path, also follows the .pth files of editable installs there.
        lines = [f"import site; site.addsitedir({path!r})" for path in outer]
        (Path(site.strip()) / "outer.pth").write_text("\n".join(lines), encoding="utf-8")
        return machine

    @property
    def python(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run its python; the exit code must be ``code``."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
        )
        said = f"{done.stdout}{done.stderr}"
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{said}"
        return done

    def c2l(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "c2l", *arguments, code=code)

    def listed(self, group: str) -> dict[str, dict[str, Any]]:
        """The rows of ``c2l plugins list`` or ``c2l models list`` by name."""
        rows = json.loads(self.c2l(group, "list", "--json").stdout)
        return {row.get("reference") or row["name"]: row for row in rows}

    def install(self, *packages: str) -> None:
        """``pip install``, without the network; ``-e`` may stand among the packages."""
        self.run(*_PIP, "install", *_OFFLINE, *packages)

    def fetch(self, *packages: str) -> bool:
        """``pip install`` from the registry of packages; whether that could be reached."""
        patience = ("--quiet", "--retries", "0", "--timeout", "10", "--no-compile")
        command = [str(self.python), *_PIP, "install", *patience, *packages]
        env = {**BEFORE_TESTS, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True)
        return done.returncode == 0

    def uninstall(self, dist: str) -> None:
        self.run(*_PIP, "uninstall", "--quiet", "--yes", dist)
