"""Rectified flow, distilled into one step while it trains (after Luhman & Luhman 2021).

One network learns to answer two questions at once. Where on average does a line through x_t come
from: the flow's own loss. And where does the deterministic walk from pure noise x_1 end, under this
prompt: a few steps of the network as it is now give the answer, and the network learns to give it
in one call. So there is no teacher to train first (Luhman & Luhman, arXiv 2101.02388, distil a
finished one in the same way; Frans et al. 2024, arXiv 2410.12557, learn a shortcut for every length
of step).
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from c2l import Near
from c2l.ranges import Steps
from c2l_priors.flow import FlowPrior, Guided, Numbers
from c2l_priors.network import Condition, ModulatedMLP

WALK_STEPS = 4
"""Of the walk that the jump learns from. Straight lines bend little: 4 do nearly as well as 32."""

SHARE = 0.5
"""Of a batch, for the jump: its targets cost as many calls as there are steps."""


class OneStepPrior(FlowPrior):
    """Rectified flow distilled into one call of the network; with more ``steps``, a plain flow."""

    class Settings(FlowPrior.Settings):
        """As those of ``FlowPrior``, but one step is the default."""

        steps: Steps = 1

    config: Settings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        rows = ModulatedMLP.num_modulations(self.config.num_blocks)
        self.jump = nn.Parameter(torch.zeros(rows, self.config.hidden))

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        walk = super().training_loss(embeddings, latents, rng)
        num = max(1, round(SHARE * len(latents)))
        noise = torch.randn(num, latents[0].numel(), generator=rng).to(self.device)
        shown = (torch.rand(num, generator=rng) >= self.config.drop).to(self.device)
        condition = self.prompt(*self.bridge.show(embeddings[:num], rng), shown)
        with torch.no_grad():
            goal = self._straight_walk(noise, condition)
        return walk + (self._jump(noise, condition).float() - goal).square().mean()

    def _straight_walk(self, x: Tensor, condition: Condition) -> Tensor:
        """From noise to standardised latents, without fresh noise: a function of the noise."""
        times = torch.linspace(1.0, 0.0, WALK_STEPS + 1, device=x.device)
        modulations = self.time(times[:-1])
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            clean = self.predict(x, x.new_full((len(x),), now), condition, modulations[step])
            x = torch.lerp(clean, x, after / now)
        return x

    def _jump(self, noise: Tensor, condition: Condition) -> Tensor:
        return self.predict(noise, noise.new_ones(len(noise)), condition, self.jump)

    def _draw_near(self, near: Near, prompt: Guided, steps: int, normal: Numbers) -> Tensor:
        # The jump begins at pure noise.
        return super()._draw_near(near, prompt, max(steps, WALK_STEPS), normal)

    def _draw(self, prompt: Guided, steps: int, normal: Numbers) -> Tensor:
        if steps > 1:
            return super()._draw(prompt, steps, normal)
        return self._guided(normal(self.latent_size), 1.0, self.jump, prompt)
