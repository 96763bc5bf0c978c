"""What the processor is, and what it computes at most: measured, for benchmarks to stand beside.

python benchmarks/processor.py --threads 1
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

UNITS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


@dataclass(frozen=True)
class Machine:
    """A processor and its rates, in billions a second.

    Args:
        product, convolution: float32, of two matrices of 2,048 and of 256 channels at 64 px.
        product_bf16: of the same matrices.
        gigabytes_read: of a tensor that is larger than the caches.
    """

    processor: str
    units: tuple[str, ...]
    cores: int
    threads: int
    torch: str
    product: float
    convolution: float
    product_bf16: float
    gigabytes_read: float

    @property
    def fastest(self) -> float:
        """In float32."""
        return max(self.product, self.convolution)

    @classmethod
    @torch.inference_mode()
    def measure(cls, threads: int) -> Machine:
        """Some two seconds with this many threads."""
        torch.set_num_threads(threads)
        processor, units = _processor()
        a, b = torch.randn(2, 2048, 2048).unbind()
        x = torch.randn(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(256, 256, 3, 3).contiguous(memory_format=torch.channels_last)
        product = 2 * 2048**3 / 1e9
        large = torch.randn(64 << 20)
        return cls(
            processor=processor,
            units=units,
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
            threads=threads,
            torch=torch.__version__,
            product=product / _least(lambda: a @ b),
            convolution=2
            * 9
            * 256**2
            * 64**2
            / 1e9
            / _least(lambda: F.conv2d(x, weight, padding=1)),
            product_bf16=product / _least(lambda: a.bfloat16() @ b.bfloat16()),
            gigabytes_read=4 * len(large) / 1e9 / _least(large.sum),
        )

    def describe(self) -> str:
        """One line, in Markdown."""
        units = ", ".join(self.units) or "none of " + ", ".join(UNITS)
        return (
            f"{self.processor} ({units}), {self.cores} cores, {self.threads} threads, "
            f"torch {self.torch}; GFLOP/s: {self.product:.0f} float32 product, "
            f"{self.convolution:.0f} float32 convolution, {self.product_bf16:.0f} bf16 product; "
            f"{self.gigabytes_read:.0f} GB/s read"
        )

    def to_dict(self) -> dict[str, object]:
        """JSON-able."""
        return dataclasses.asdict(self)


def _least(run: Callable[[], object], rounds: int = 7) -> float:
    """Seconds of the fastest of several calls, after a first one."""
    run()
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


def _processor() -> tuple[str, tuple[str, ...]]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine(), ()
    lines = cpuinfo.read_text().splitlines()
    told = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    flags = told.get("flags", "").split()
    return told.get("model name", platform.machine()).strip(), tuple(u for u in UNITS if u in flags)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    machine = Machine.measure(options.threads)
    print(machine.describe())
    if options.json:
        options.json.write_text(json.dumps(machine.to_dict(), indent=1) + "\n")


if __name__ == "__main__":
    main()
