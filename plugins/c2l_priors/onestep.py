"""Rectified flow, distilled into one step once it is trained (after Luhman & Luhman 2021).

The flow learns as ever. Then a copy of its network learns where the deterministic walk from pure
noise x_1 ends, under a prompt, and gives the answer in one call (Luhman & Luhman, arXiv
2101.02388). Since it begins as the flow and the flow no longer moves, that takes a fraction of the
training. To learn both in one network at once costs either of them some of what prompts name: see
``benchmarks/onestep.md``.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from c2l import SeededNormal
from c2l.ranges import Steps
from c2l_priors.flow import Asked, FlowPrior
from c2l_priors.network import Condition, ModulatedMLP, PromptEncoder

WALK_STEPS = 4
"""Of the walk that the jump learns from. Straight lines bend little: 4 do nearly as well as 32."""

FEWEST_BATCHES, MOST_BATCHES = 200, 1500
PAIRS_FOR_A_BATCH = 8
"""How many batches the jump learns from: one for so many pairs, within bounds."""
BATCH = 256
LEARNING_RATE = 1e-3
WARMUP = 50

SECOND_LOOK = 0.5
"""The time to which noise takes a jump's answer back, where a second call looks at it again."""


class Jump(nn.Module):
    """From noise to latents in one call: what the flow's network is at t = 1, and its own prompt.

    Args:
        embedding_width, hidden, num_blocks: of the flow.
        size: K * D.
    """

    def __init__(self, embedding_width: int, size: int, hidden: int, num_blocks: int) -> None:
        super().__init__()
        num_modulations = ModulatedMLP.num_modulations(num_blocks)
        self.prompt = PromptEncoder(embedding_width, hidden, num_modulations)
        self.enter = nn.Linear(size, hidden)
        self.network = ModulatedMLP(hidden, size, num_blocks)
        self.modulation = nn.Parameter(torch.zeros(num_modulations, hidden))

    def begin_as(self, flow: FlowPrior) -> None:
        """Take the flow's weights."""
        for name in ("prompt", "enter", "network"):
            getattr(self, name).load_state_dict(getattr(flow, name).state_dict())
        with torch.no_grad():
            self.modulation.copy_(flow.time(self.modulation.new_ones(1))[0])

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Noise (B, K * D) to standardised latents."""
        start = self.enter(noise) + condition.start
        out: Tensor = self.network(start, condition.modulation + self.modulation)
        return out


class OneStepPrior(FlowPrior):
    """Rectified flow distilled into one call of a network.

    A second step looks at the first one's answer again; more are the flow's own.
    """

    class Settings(FlowPrior.Settings):
        """As those of ``FlowPrior``, but one step is the default."""

        steps: Steps = 1

    config: Settings
    distilled: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        self.jump = Jump(config.embedding_width, self.latent_size, config.hidden, config.num_blocks)
        self.register_buffer("distilled", torch.zeros((), dtype=torch.bool))

    def refine(self, embeddings: Tensor, rng: torch.Generator) -> None:
        jump = self.jump
        jump.begin_as(self)
        jump.train().requires_grad_(True)
        optimiser = torch.optim.Adam(jump.parameters(), betas=(0.9, 0.99))
        num = max(FEWEST_BATCHES, min(MOST_BATCHES, len(embeddings) // PAIRS_FOR_A_BATCH))
        for step in range(num):
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * min(1, (step + 1) / WARMUP) * (1 - step / num)
            loss = self._distance(embeddings, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        jump.eval().requires_grad_(False)
        self.distilled.fill_(True)

    def _distance(self, embeddings: Tensor, rng: torch.Generator) -> Tensor:
        """How far jumps under some of the embeddings (N, E) land from where walks end."""
        rows = torch.randint(len(embeddings), (BATCH,), generator=rng)
        noise = torch.randn(BATCH, self.latent_size, generator=rng).to(self.device)
        shown = (torch.rand(BATCH, generator=rng) >= self.config.drop).to(self.device)
        seen = self.bridge.show(embeddings[rows], rng)
        with torch.no_grad():
            goal = self._straight_walk(noise, self.prompt(*seen, shown))
        return (self.jump(noise, self.jump.prompt(*seen, shown)) - goal).square().mean()

    def _straight_walk(self, x: Tensor, condition: Condition) -> Tensor:
        """From noise to standardised latents, without fresh noise: a function of the noise."""
        times = torch.linspace(1.0, 0.0, WALK_STEPS + 1, device=x.device)
        modulations = self.time(times[:-1])
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            clean = self.predict(x, x.new_full((len(x),), now), condition, modulations[step])
            x = torch.lerp(clean, x, after / now)
        return x

    def _draw(self, asked: Asked, steps: int, normal: SeededNormal) -> Tensor:
        if not self.distilled:  # while it trains, pictures are drawn to judge it
            return super()._draw(asked, max(steps, WALK_STEPS), normal)
        if steps > 2:
            return super()._draw(asked, steps, normal)
        x = self._jump(asked, normal(self.latent_size))
        if steps == 1:
            return x
        x = torch.lerp(x, normal(self.latent_size), SECOND_LOOK)
        modulation = self.time(x.new_full((1,), SECOND_LOOK))[0]
        return self._guided(x, SECOND_LOOK, modulation, self._prompt(self.prompt, asked))

    def _jump(self, asked: Asked, noise: Tensor) -> Tensor:
        """The jump, guided if something is asked to be moved away from."""
        prompt, num = self._prompt(self.jump.prompt, asked), len(noise)
        if prompt.against is None:
            out: Tensor = self.jump(noise, prompt.condition)
            return out
        both = self.jump(torch.cat([noise, noise]), prompt.condition.and_then(prompt.against))
        return torch.lerp(both[num:], both[:num], prompt.guidance)
