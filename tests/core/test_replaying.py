"""Calls of small batches as CUDA graphs: when they are recorded; on a GPU, that they are right."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from c2l import replayed, replaying
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import StyleGAN2Settings

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3,), 2.0))
        self.calls = 0

    @replayed
    def forward(self, x: Tensor, sign: int) -> Tensor:
        self.calls += 1
        return self.weight * x * sign


class FakeRecording:
    """Counts, where there is no GPU, what would be recorded and replayed."""

    made = 0
    fails = False

    def __init__(self, compute: Any, module: Scaled, args: Any) -> None:
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        type(self).made += 1
        self.sign, self.weight = args[1], module.weight

    def is_current(self) -> bool:
        return self.weight is not None

    def replay(self, args: Any) -> Tensor:
        return 2.0 * args[0] * self.sign


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeRecording]:
    kind = type("Fake", (FakeRecording,), {"made": 0})
    monkeypatch.setattr(replaying, "_Recording", kind)
    monkeypatch.setattr(replaying, "_gains", lambda args: len(args[0]) <= 4)
    return kind


def test_the_second_call_of_some_shapes_is_recorded(fake: type[FakeRecording]) -> None:
    module, x = Scaled(), torch.ones(2, 3)
    for _ in range(4):
        assert torch.equal(module(x, 1), 2 * x)
    assert (fake.made, module.calls) == (1, 1)
    for _ in range(3):
        assert torch.equal(module(x, -1), -2 * x)
        assert torch.equal(module(x[:1], 1), 2 * x[:1])
    assert fake.made == 3


def test_large_batches_are_called_as_they_are(fake: type[FakeRecording]) -> None:
    module = Scaled()
    for _ in range(3):
        module(torch.ones(5, 3), 1)
    assert (fake.made, module.calls) == (0, 3)


def test_what_cannot_be_recorded_is_called_as_it_is(fake: type[FakeRecording]) -> None:
    fake.fails = True
    module, x = Scaled(), torch.ones(2, 3)
    for _ in range(3):
        assert torch.equal(module(x, 1), 2 * x)
    assert module.calls == 3


def test_recordings_do_not_pile_up(fake: type[FakeRecording]) -> None:
    module, x = Scaled(), torch.ones(2, 3)
    for sign in [*range(40), *range(40)]:
        module(x, sign)
    assert len(replaying._recorded[module].found) == replaying._MOST_RECORDINGS


def test_nothing_is_recorded_on_a_cpu() -> None:
    module, x = Scaled(), torch.ones(2, 3)
    with torch.inference_mode():
        for _ in range(3):
            module(x, 1)
    assert module.calls == 3
    assert module not in replaying._recorded


@needs_gpu
@torch.inference_mode()
def test_replays_give_what_calls_give() -> None:
    settings = StyleGAN2Settings.from_init_kwargs(
        {"z_dim": 32, "c_dim": 0, "w_dim": 32, "img_resolution": 32, "img_channels": 3}
    )
    generator = StyleGAN.initialised(settings).eval().cuda()
    ws = torch.randn(2, generator.num_ws, 32, device="cuda")
    first, *others = [generator.synthesize(ws) for _ in range(4)]
    assert all(torch.equal(first, other) for other in others)
    assert all(replaying._recorded[generator.synthesis].found.values())
    assert not torch.allclose(generator.synthesize(ws + 1), first)

    block: Any = generator.synthesis.b32
    block.torgb.bias.data = torch.ones(3, device="cuda")
    assert torch.allclose(generator.synthesize(ws), first + 1, atol=1e-3)
    generator.compute_in(torch.bfloat16)
    assert torch.allclose(generator.synthesize(ws), first + 1, atol=0.1)
