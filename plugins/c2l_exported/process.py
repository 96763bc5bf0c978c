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
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from c2l_exported.child.serve import LENGTH

PATIENCE = 300.0
"""Seconds without an answer after which a network hangs. What it takes for pictures is added."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from c2l_exported.child.serve import main; main(sys.argv[2])"
)
_CACHES = ("TMPDIR", "TEMP", "TMP", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUDA_CACHE_PATH")
_MOST_TEXT = 1 << 22
_MOST_BYTES = 1 << 33
_DTYPES = {"float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"}

Array = np.ndarray[Any, Any]


class Refused(Exception):
    """The network, or what runs it, raised an error; the process lives on."""


class Ended(Exception):
    """The process died, hung, or gave something that is no answer: the end of a sentence."""


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
        self._opened: dict[str, Any] = {}

    def __deepcopy__(self, memo: Any) -> Child:
        return Child(self.runtime, self.path)

    def __reduce__(self) -> Any:
        return Child, (self.runtime, self.path)

    def signature(self) -> dict[str, Any]:
        """What the network says of its inputs, and which walls stand around it."""
        with self._access:
            self._start()
            return self._opened

    def run(
        self, arrays: Sequence[Array], *, patience: float = PATIENCE, **how: Any
    ) -> tuple[list[str], list[Array]]:
        """Names and values of outputs; see ``c2l_exported.child.runtimes``.

        Raises:
            Refused, Ended
        """
        with self._access:
            self._start()
            answer, outputs = self._ask({"how": how}, arrays, patience)
            return answer["outputs"], outputs

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
            env=os.environ | dict.fromkeys(_CACHES, folder),
        )
        self._stop = weakref.finalize(self, _end, self._process, folder)
        path = str(self.path.absolute())
        self._opened, _ = self._ask({"runtime": self.runtime, "path": path}, (), PATIENCE)

    def _ask(
        self, question: dict[str, Any], arrays: Sequence[Array], patience: float
    ) -> tuple[dict[str, Any], list[Array]]:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        late = threading.Event()
        watchdog = threading.Timer(patience, lambda: (late.set(), process.kill()))
        watchdog.daemon = True
        watchdog.start()
        try:
            try:
                _write(process.stdin, question, arrays)
                answer, outputs = _read(process.stdout)
            except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
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
            try:
                pipe.close()
            except OSError:  # what was not written yet has nowhere to go
                pass


def _last_words(process: subprocess.Popen[bytes], error: Exception) -> str:
    code = process.returncode
    if code is not None and code < 0 and code != -signal.SIGKILL:
        return f"died of {signal.Signals(-code).name}"
    if isinstance(error, (ValueError, KeyError, TypeError)):
        return "gave something that is no answer"
    return "died, perhaps for lack of memory"


def _write(pipe: BinaryIO, question: dict[str, Any], arrays: Sequence[Array]) -> None:
    described = [{"dtype": str(a.dtype), "shape": list(a.shape)} for a in arrays]
    text = json.dumps({**question, "arrays": described}).encode()
    pipe.write(LENGTH.pack(len(text)) + text)
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    pipe.flush()


def _read(pipe: BinaryIO) -> tuple[dict[str, Any], list[Array]]:
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    if length > _MOST_TEXT:
        raise ValueError("too long")
    answer = json.loads(_exactly(pipe, length))
    arrays = [_array(pipe, str(a["dtype"]), a["shape"]) for a in answer["arrays"]]
    return answer, arrays


def _array(pipe: BinaryIO, dtype: str, shape: list[int]) -> Array:
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


def _exactly(pipe: BinaryIO, num: int) -> bytes:
    data = pipe.read(num)
    if len(data) < num:
        raise EOFError
    return data
