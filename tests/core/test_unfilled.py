"""Networks without memory, whose shapes are compared with those of a file."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from c2l import Prior
from c2l.reading import unfilled
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.flow import FlowPrior
from c2l_priors.mlp import MLPPrior
from c2l_priors.onestep import OneStepPrior


@pytest.mark.parametrize("cls", [FlowPrior, OneStepPrior, MLPPrior, DiffusionPrior])
def test_a_prior_has_its_shapes(cls: type[Prior]) -> None:
    settings = {"embedding_width": 32, "latent_width": 6, "num_codes": 1}
    with unfilled():
        without = cls(**settings)
    shapes = {name: tensor.shape for name, tensor in without.state_dict().items()}
    assert shapes == {n: t.shape for n, t in cls(**settings).state_dict().items()}
    assert {parameter.device.type for parameter in without.parameters()} == {"meta"}


def test_nothing_is_drawn_and_nothing_takes_memory() -> None:
    before = torch.get_rng_state()
    with unfilled():
        layer = torch.nn.Linear(1 << 20, 1 << 20)
        torch.nn.init.normal_(layer.weight, std=2.0)
    assert layer.weight.shape == (1 << 20, 1 << 20)
    assert torch.equal(torch.get_rng_state(), before)


def test_torchs_compiler_stays_away() -> None:
    code = (
        "import sys, torch\n"
        "from c2l.reading import unfilled\n"
        "from c2l_priors.diffusion import DiffusionPrior\n"
        "from c2l_priors.flow import FlowPrior\n"
        "with unfilled():\n"
        "    for prior in (FlowPrior, DiffusionPrior):\n"
        "        prior(embedding_width=32, latent_width=6, num_codes=1)\n"
        "    torch.nn.Embedding(3, 4)\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
