"""``precision=auto``: the fastest that nobody can tell from float32, and what it takes is said."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import c2l
from c2l.errors import BadInput
from c2l.precisions import choose_precision
from c2l.testing import ToyGenerator


class Timed(ToyGenerator):
    """Takes as long, and is as far off, as a test says of each precision."""

    seconds = {torch.float32: 0.05, torch.bfloat16: 0.01, torch.float16: 0.02}  # noqa: RUF012
    off = {torch.float32: 0.0, torch.bfloat16: 0.0, torch.float16: 0.0}  # noqa: RUF012
    dtype = torch.float32
    clock = 0.0

    def _compute_in(self, dtype: torch.dtype) -> None:
        if dtype not in self.seconds:
            raise BadInput("not in this one")
        self.dtype = dtype

    def synthesize(self, latents: torch.Tensor, **settings: object) -> torch.Tensor:
        Timed.clock += self.seconds[self.dtype]
        return super().synthesize(latents, **settings) * 0.5 + self.off[self.dtype]


@pytest.fixture(autouse=True)
def _units(monkeypatch) -> None:
    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device_type: True)
    clock = SimpleNamespace(perf_counter=lambda: Timed.clock)
    monkeypatch.setattr("c2l.precisions.time", clock)


@pytest.mark.parametrize(
    ("seconds", "off", "chosen"),
    [
        ({torch.bfloat16: 0.01, torch.float16: 0.03}, {}, "bf16"),
        ({torch.bfloat16: 0.03, torch.float16: 0.01}, {}, "fp16"),
        ({torch.bfloat16: 0.01, torch.float16: 0.03}, {torch.bfloat16: 0.01}, "fp16"),
        ({torch.bfloat16: 0.01, torch.float16: 0.08}, {torch.bfloat16: 0.01}, "float32"),
        ({torch.bfloat16: 0.01}, {torch.bfloat16: 0.007}, "bf16"),
        ({}, {}, "float32"),
    ],
)
def test_the_fastest_that_nobody_sees(monkeypatch, seconds, off, chosen) -> None:
    monkeypatch.setattr(Timed, "seconds", {torch.float32: 0.06, **seconds})
    monkeypatch.setattr(Timed, "off", {**dict.fromkeys(Timed.off, 0.0), **off})
    generator = Timed().eval()
    assert choose_precision(generator) == chosen
    assert generator.dtype == torch.float32  # it was tried on copies


def test_without_units_it_is_float32(monkeypatch) -> None:
    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device_type: False)
    assert choose_precision(Timed().eval()) == "float32"


def test_a_pipeline_says_what_it_took(monkeypatch) -> None:
    monkeypatch.setattr("c2l.loading.choose_precision", lambda generator: "bf16")
    pipeline = c2l.load_pipeline("demo-faces", device="cpu", precision="auto")
    assert (pipeline.precision, pipeline.drawn_in) == ("auto", "bf16")
    assert pipeline.generator.synthesis.feature_dtype == torch.bfloat16
    monkeypatch.setattr("c2l.loading.choose_precision", lambda generator: "float32")
    generator = c2l.load_generator("stylegan:demo-faces", device="cpu", precision="auto")
    assert generator.synthesis.feature_dtype == torch.float32
