"""Adam without torch's compiler steps as torch's own does, to the bit."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from c2l.adam import Adam, AdamW

KINDS = [
    (Adam, torch.optim.Adam, {"lr": 0.1}),
    (AdamW, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.3, "fused": True}),
]


@pytest.mark.parametrize(("ours", "theirs", "settings"), KINDS, ids=["adam", "adamw"])
def test_steps_are_torchs(ours, theirs, settings) -> None:
    ends = []
    for kind in (ours, theirs):
        layer = torch.nn.Linear(5, 3)
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.ones_(layer.bias)
        optimiser = kind(layer.parameters(), betas=(0.9, 0.99), **settings)
        scheduler = torch.optim.lr_scheduler.StepLR(optimiser, 2)
        for step in range(6):
            if step == 3:  # a resumed run
                stored = optimiser.state_dict()
                optimiser = kind(layer.parameters(), betas=(0.9, 0.99), **settings)
                optimiser.load_state_dict(stored)
            optimiser.zero_grad()
            layer(torch.arange(10.0).view(2, 5)).square().mean().backward()
            optimiser.step()
            scheduler.step()
        assert layer.weight.requires_grad
        ends.append(layer.weight.detach().clone())
    assert torch.equal(*ends)
    assert not torch.equal(ends[0], torch.ones(3, 5))


def test_the_compiler_stays_away() -> None:
    code = (
        "import sys, torch\n"
        "from c2l.adam import Adam, AdamW\n"
        "for kind in (Adam, AdamW):\n"
        "    weight = torch.nn.Parameter(torch.ones(3))\n"
        "    optimiser = kind([weight])\n"
        "    optimiser.load_state_dict(optimiser.state_dict())\n"
        "    optimiser.zero_grad()\n"
        "    weight.sum().backward()\n"
        "    optimiser.step()\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=True
    )
    assert done.stdout.strip() == "False"
