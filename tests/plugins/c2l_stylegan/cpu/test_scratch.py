"""Memory is used again."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from c2l_stylegan.cpu import scratch as module
from c2l_stylegan.cpu.scratch import Scratch, keep_freed_memory


@pytest.mark.parametrize("tuned", [False, True])
def test_the_c_library_is_told_once_unless_the_user_has(monkeypatch, tuned) -> None:
    told: list[Any] = []

    class Library:
        def __init__(self, name: None) -> None: ...

        def mallopt(self, parameter: int, value: int) -> None:
            told.append((parameter, value))

    if tuned:
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    monkeypatch.setattr(module.ctypes, "CDLL", Library)
    keep_freed_memory.__wrapped__()
    assert told == ([] if tuned else [(-1, 256 << 20)])


@pytest.mark.parametrize("raised", [OSError, TypeError, AttributeError])
def test_other_c_libraries_are_left_alone(monkeypatch, raised) -> None:
    def no_library(name: None) -> None:
        raise raised

    monkeypatch.setattr(module.ctypes, "CDLL", no_library)
    keep_freed_memory.__wrapped__()


def test_a_buffer_is_taken_again() -> None:
    scratch = Scratch(torch.empty(0, dtype=torch.float64))
    first = scratch.take("a", 3, 4)
    assert first.shape == (3, 4) and first.dtype == torch.float64
    assert scratch.take("a", 2, 2).data_ptr() == first.data_ptr()
    assert scratch.take("b", 2).data_ptr() != first.data_ptr()
    assert scratch.of_worker(1) is scratch.of_worker(1)
    assert scratch.of_worker(1).take("a", 3, 4).data_ptr() != first.data_ptr()
    scratch.swap("a", "b")
    assert scratch.take("b", 12).data_ptr() == first.data_ptr()
