"""The loop of the child: a question on one pipe, an answer on the other.

A question and an answer are a length, a JSON object of that length, and the bytes of the arrays
that it describes. Nothing is pickled: the parent does not trust what comes back.
"""

from __future__ import annotations

import json
import os
import signal
import struct
from typing import Any, BinaryIO

from c2l_exported.child.walls import build_walls

LENGTH = struct.Struct("<I")


def main(folder: str) -> None:
    """Answer questions until the parent closes the pipe.

    Args:
        folder: where temporary files may be written.
    """
    # A network may print: what it says must not come between the answers.
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    walls = build_walls(folder)
    import numpy as np

    from c2l_exported.child.runtimes import open_network

    network: Any = None
    while (question := _read(questions)) is not None:
        arrays = [
            np.frombuffer(questions.read(_size(a)), a["dtype"]).reshape(a["shape"])
            for a in question["arrays"]
        ]
        given: list[Any] = []
        try:
            if network is None:
                network = open_network(question["runtime"], question["path"])
                answer = {"walls": walls, **network.signature()}
            else:
                given, answer = network.run(arrays, **question["how"]), {}
        except BaseException as error:
            answer, given = {"error": _line(error)}, []
        _write(answers, answer, given)


def _read(pipe: BinaryIO) -> Any:
    head = pipe.read(LENGTH.size)
    return json.loads(pipe.read(LENGTH.unpack(head)[0])) if len(head) == LENGTH.size else None


def _size(array: dict[str, Any]) -> int:
    import numpy as np

    return int(np.dtype(array["dtype"]).itemsize * np.prod(array["shape"], dtype=np.int64))


def _write(pipe: BinaryIO, answer: dict[str, Any], arrays: list[Any]) -> None:
    described = [{"dtype": str(a.dtype), "shape": list(a.shape)} for a in arrays]
    text = json.dumps({**answer, "arrays": described}).encode()
    pipe.write(LENGTH.pack(len(text)) + text)
    for array in arrays:
        pipe.write(array.reshape(-1).view("uint8").data)
    pipe.flush()


def _line(error: BaseException) -> str:
    """An error as one line; torch's say what happened in their last ones, below a traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if "Error: " in line]
    text = said[-1] if said else (lines[0] if lines else "")
    name = type(error).__name__
    return (text if said or not text else f"{name}: {text}")[:500] or name
