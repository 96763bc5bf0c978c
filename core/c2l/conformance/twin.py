"""Another process that makes the same part and uses it: ``python -m c2l.conformance.twin``.

It shows what a single process cannot: that answers do not depend on the process they are given in,
and that a part does not end it. One twin serves all checks of a process, since starting it takes
longer than most of them; it is started again if a part has ended it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from c2l_registry.describing import one_line


@dataclass(frozen=True)
class Question:
    """What the twin should use.

    Args:
        maker: makes the part, or the class of a prior.
        threads: how many torch computes with.
        settings: of a prior that is trained a little; None for those it suggests.
        train: whether it is a prior to be trained.
        file: of a prior to load.
        path, environ, folder: ``sys.path``, the environment and the folder of the asking process.
    """

    maker: Any
    threads: int
    settings: dict[str, Any] | None = None
    train: bool = False
    file: Path | None = None
    path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: str = field(default_factory=os.getcwd)


@dataclass(frozen=True)
class Outcome:
    """What came of it: answers by method, or what was raised, or how the process ended."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    raised: str = ""
    ended: str = ""


class Twin:
    """The process, started at the first question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._path: tuple[str, ...] = ()

    def ask(self, question: Question) -> Outcome:
        """Have a part used there."""
        if self._process is None or self._path != question.path:
            self.close()
            self._start(question)
        assert self._process is not None and self._process.stdin and self._process.stdout
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            outcome: Outcome = pickle.load(self._process.stdout)
            return outcome
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self._process.wait()
            self.close()
            return Outcome(ended=f"with exit code {code}")

    def close(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()  # without questions it ends by itself
        process.wait()

    def _start(self, question: Question) -> None:
        self._path = question.path
        # Numbers that hang on the hashes of texts differ between processes: so they should here.
        seed = "1" if question.environ.get("PYTHONHASHSEED") != "1" else "2"
        environ = {**question.environ, "PYTHONHASHSEED": seed}
        environ["PYTHONPATH"] = os.pathsep.join(question.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "c2l.conformance.twin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a part prints, it prints here as well
            env=environ,
        )


TWIN = Twin()
atexit.register(TWIN.close)


def serve(inbox: IO[bytes], outbox: IO[bytes]) -> None:
    """Answer questions until there are no more."""
    while True:
        try:
            question: Question = pickle.load(inbox)
        except EOFError:
            return
        pickle.dump(_outcome(question), outbox)
        outbox.flush()


def _outcome(question: Question) -> Outcome:
    import torch

    from c2l.conformance.shared import put_back
    from c2l.plugins import registry

    sys.path[:] = question.path
    if os.environ != question.environ:  # other plugins may be there, or another cache folder
        os.environ.clear()
        os.environ.update(question.environ)
        registry.cache_clear()
    os.chdir(question.folder)
    try:
        with put_back():  # what one part changes is not the next one's
            torch.set_num_threads(question.threads)
            return Outcome(_answers(question))
    except SystemExit as stop:
        return Outcome(ended=f"by {one_line(stop)}")
    except Exception as error:
        return Outcome(raised=one_line(error))


def _answers(question: Question) -> dict[str, Any]:
    from c2l.conformance import uses
    from c2l.conformance.subjects import PriorSubject

    if question.train:
        uses.use_prior(PriorSubject(question.maker, settings=question.settings).build())
        return {}
    made = question.maker()
    part = made if question.file is None else uses.loaded(made, question.file)
    return {name: answer.detach() for name, answer in uses.answers_of(part).items()}


def _main() -> None:
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, outbox)
    os._exit(0)  # whatever threads a part has started


if __name__ == "__main__":
    # As a module of its own name, whose classes are those that are pickled.
    from c2l.conformance import twin

    twin._main()
