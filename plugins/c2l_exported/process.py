"""The parent's end of the process in which an exported network runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2l_exported.child.serve import LENGTH

PATIENCE = 300.0
"""Seconds without an answer after which a network hangs. What it takes for pictures is added."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from c2l_exported.child.serve import main; main(sys.argv[2])"
)
_FOLDERS = ("TMPDIR", "TEMP", "TMP", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
_NO_ANSWER = (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, MemoryError)
_MOST_TEXT = 1 << 22
_MOST_BYTES = 1 << 33
_DTYPES = {"float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"}

Array = np.ndarray[Any, Any]
Size = Annotated[int, Field(ge=0, le=1 << 31)]


class Refused(Exception):
    """The network, or what runs it, raised an error; the process lives on."""


class Ended(Exception):
    """The process died, hung, or gave something that is no answer: the end of a sentence."""


class Input(BaseModel):
    """An input of a network: ``tensor`` is one of any type; None is an open size."""

    model_config = ConfigDict(frozen=True, strict=True)

    name: str
    type: str
    shape: list[Size | None] | None


class Signature(BaseModel):
    """What a network says of itself when it is opened. Nobody vouches for it.

    Args:
        walls: those that stand around its process.
        inputs: in order.
        weights: shapes of the first ones, where inputs have no shapes.
        half: whether weights are float16.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    walls: list[str]
    inputs: list[Input]
    weights: list[list[Size]] = []
    half: bool = False


class Child:
    """A network in a process of its own, which starts with the first question.

    Threads may share one. A copy starts another process when it is first asked.

    Args:
        runtime: ``torchscript``, ``export`` or ``onnx``.
        path: the file.
    """

    def __init__(self, runtime: str, path: Path) -> None:
        self.runtime, self.path = runtime, path
        self._process: subprocess.Popen[bytes] | None = None
        self._access = threading.Lock()
        self._opened: Signature | None = None

    def __deepcopy__(self, memo: Any) -> Child:
        return Child(self.runtime, self.path)

    def __reduce__(self) -> Any:
        return Child, (self.runtime, self.path)

    def signature(self) -> Signature:
        """What the network says of its inputs, and which walls stand around it.

        Raises:
            Refused, Ended
        """
        with self._access:
            self._start()
            assert self._opened is not None
            return self._opened

    def run(
        self, arrays: Sequence[Array], *, patience: float = PATIENCE, **how: Any
    ) -> list[Array]:
        """The outputs; see ``c2l_exported.child.runtimes``.

        Raises:
            Refused, Ended
        """
        with self._access:
            self._start()
            return self._ask({"how": how}, arrays, patience)[1]

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._process is not None:
            self._stop()
            self._process = None

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        paths = [str(Path(place).absolute()) for place in sys.path]
        folder = tempfile.mkdtemp(prefix="c2l-")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, json.dumps(paths), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | dict.fromkeys(_FOLDERS, folder),
        )
        self._stop = weakref.finalize(self, _end, self._process, folder)
        path = str(self.path.absolute())
        try:
            answer, _ = self._ask({"runtime": self.runtime, "path": path}, (), PATIENCE)
            self._opened = Signature(**answer)
        except ValidationError as error:
            self.close()
            raise Ended("gave something that is no answer") from error
        except Refused:
            self.close()
            raise

    def _ask(
        self, question: dict[str, Any], arrays: Sequence[Array], patience: float
    ) -> tuple[dict[str, Any], list[Array]]:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        watchdog = threading.Timer(patience, give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            try:
                _write(process.stdin, question, arrays)
                answer, outputs = _read(process.stdout)
            except _NO_ANSWER as error:
                self.close()
                if late.is_set():
                    raise Ended(f"gave no answer for {patience:.0f} seconds") from error
                raise Ended(_last_words(process, error)) from error
        except BaseException:  # Ctrl-C leaves half an answer in the pipe
            self.close()
            raise
        finally:
            watchdog.cancel()
        if "error" in answer:
            raise Refused(str(answer["error"]))
        return answer, outputs


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not written yet has nowhere to go
                pipe.close()


def _last_words(process: subprocess.Popen[bytes], error: Exception) -> str:
    code = process.returncode
    if code is not None and code < 0 and code != -signal.SIGKILL:
        return f"died of {signal.Signals(-code).name}"
    if not isinstance(error, (OSError, EOFError)):
        return "gave something that is no answer"
    return "died, perhaps for lack of memory"


def _write(pipe: IO[bytes], question: dict[str, Any], arrays: Sequence[Array]) -> None:
    described = [{"dtype": str(a.dtype), "shape": list(a.shape)} for a in arrays]
    text = json.dumps({**question, "arrays": described}).encode()
    pipe.write(LENGTH.pack(len(text)) + text)
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[dict[str, Any], list[Array]]:
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    if length > _MOST_TEXT:
        raise ValueError("too long")
    answer = json.loads(_exactly(pipe, length))
    arrays = [_array(pipe, str(a["dtype"]), a["shape"]) for a in answer["arrays"]]
    return answer, arrays


def _array(pipe: IO[bytes], dtype: str, shape: list[int]) -> Array:
    """Checked before memory is taken for it."""
    if dtype not in _DTYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError("no array")
    size = np.dtype(dtype).itemsize
    for n in shape:
        size *= n
    if size > _MOST_BYTES:
        raise ValueError("too large")
    array = np.empty(shape, dtype)
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < size:
        got = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        done += got
    return array


def _exactly(pipe: IO[bytes], num: int) -> bytes:
    data = pipe.read(num)
    if len(data) < num:
        raise EOFError
    return data
