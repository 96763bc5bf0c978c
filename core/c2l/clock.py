"""Where the time of a call goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass
class Clock:
    """Wall time by stage, in milliseconds; repeated stages add up.

    Args:
        device: where the stages compute; on a GPU, each stage ends by waiting for it.
        milliseconds: what has been counted so far.
    """

    device: torch.device
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time spent within it; one that raises is not counted."""
        start = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.add({name: (time.perf_counter() - start) * 1000})

    def add(self, milliseconds: Mapping[str, float]) -> None:
        """Count what was measured elsewhere."""
        for name, spent in milliseconds.items():
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent
