"""The one list of tasks: ``nox -l`` shows them, ``nox`` runs check and test as CI does.

They run in the environment that nox itself is in, which ``pip install -e '.[dev]'`` made: torch
is too large to install once more for each task.
"""

import os
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check", "test"]


@nox.session
def check(session: nox.Session) -> None:
    """Lint, types, and who imports whom. Under a minute."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", "core", "registry", "plugins", "tests", "examples")
    session.run("mypy")
    examples = sorted(map(str, Path("examples").glob("*/src")))
    session.run("lint-imports", env={"PYTHONPATH": os.pathsep.join(examples)})


@nox.session
def test(session: nox.Session) -> None:
    """The whole test suite, on two processes."""
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def fix(session: nox.Session) -> None:
    """Put right what can be put right by itself."""
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", "core", "registry", "plugins", "tests", "examples")


@nox.session
def demo(session: nox.Session) -> None:
    """Make the demo's weights again, from the drawings on; takes hours."""
    session.run("python", "-m", "c2l_demo_workshop", "all", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """The wheel, as it is published."""
    session.run("python", "-m", "pip", "wheel", "--no-deps", "-w", "dist", ".")
