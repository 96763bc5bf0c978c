"""Processors and containers that have little: pictures are drawn, and what works is said."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

import c2l
from c2l.errors import DeviceUnavailable

DRAW = """
import os, torch
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
torch.backends.mkldnn.set_flags(False)
torch.backends.mkldnn.is_available = lambda: False
import c2l
image = c2l.load_pipeline("demo-faces", device="cpu")("a happy man", seed=1).images
print(float(image.mean()), float(image.std()))
"""


def test_one_core_for_64_threads_without_one_dnn() -> None:
    usual = c2l.load_pipeline("demo-faces", device="cpu")("a happy man", seed=1).images
    done = subprocess.run(
        [sys.executable, "-c", DRAW],
        env={**os.environ, "OMP_NUM_THREADS": "64", "MKL_NUM_THREADS": "64"},
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    found = [float(number) for number in done.stdout.split()]
    assert found == pytest.approx([float(usual.mean()), float(usual.std())], abs=1e-5)


def test_precisions_without_units_name_the_one_that_works(monkeypatch) -> None:
    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device_type: False)
    for name in ("bf16", "fp16"):
        with pytest.raises(DeviceUnavailable) as caught:
            c2l.load_pipeline("demo-faces", device="cpu", precision=name)
        assert "precision=float32" in caught.value.hint
    pipeline = c2l.load_pipeline("demo-faces", device="cpu", precision="auto")
    assert pipeline.drawn_in == "float32"
    assert torch.isfinite(pipeline("a happy man").images).all()
