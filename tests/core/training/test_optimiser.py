"""AdamW by its function in torch is AdamW by its class, and goes on from its own state."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from c2l.training.optimiser import BETAS, AdamW

RATES = (1e-2, 3e-3, 1e-3, 2e-3)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3), nn.Linear(3, 3))


def weights_after(trained: nn.Sequential, step: Callable[[float], object]) -> list[Tensor]:
    """The last layer has no gradient before the third step."""
    for number, rate in enumerate(RATES):
        inputs = torch.randn(4, 5, generator=torch.Generator().manual_seed(number))
        trained.zero_grad(set_to_none=True)
        trained[: 2 + (number > 1)](inputs).square().mean().backward()
        step(rate)
    return [weight.detach() for weight in trained.parameters()]


def test_it_is_that_of_torch_to_the_last_bit() -> None:
    first, second = network(), network()
    torchs = torch.optim.AdamW(first.parameters(), betas=BETAS, weight_decay=0.01, fused=True)

    def step(rate: float) -> None:
        torchs.param_groups[0]["lr"] = rate
        torchs.step()

    expected = weights_after(first, step)
    found = weights_after(second, AdamW(second.parameters(), 0.01).step)
    assert all(map(torch.equal, found, expected))


def test_a_state_goes_on_where_it_was_saved() -> None:
    whole, resumed = network(), network()
    expected = weights_after(whole, AdamW(whole.parameters(), 0.01).step)
    optimiser = AdamW(resumed.parameters(), 0.01)

    def step(rate: float) -> None:
        nonlocal optimiser
        state = {name: tensor.clone() for name, tensor in optimiser.state().items()}
        optimiser = AdamW(resumed.parameters(), 0.01)
        optimiser.take(state)
        optimiser.step(rate)

    assert all(map(torch.equal, weights_after(resumed, step), expected))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda state: state.pop("0.exp_avg"), KeyError),
        (lambda state: state.update({"0.exp_avg": torch.zeros(2)}), ValueError),
        (lambda state: state.update({"0.step": torch.zeros(2)}), ValueError),
        (lambda state: state.update({"99.step": torch.zeros(())}), ValueError),
    ],
)
def test_a_foreign_state_is_refused(
    change: Callable[[dict[str, Tensor]], object], error: type[Exception]
) -> None:
    trained = network()
    optimiser = AdamW(trained.parameters(), 0.01)
    weights_after(trained, optimiser.step)
    state = dict(optimiser.state())
    change(state)
    with pytest.raises(error):
        optimiser.take(state)


def test_it_does_not_import_the_compiler_of_torch() -> None:
    code = (
        "import sys, torch; from c2l.training.optimiser import AdamW; w = torch.zeros(3);"
        "w.grad = torch.ones(3); AdamW([w], 0.1).step(0.1); assert w[0]; "
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
