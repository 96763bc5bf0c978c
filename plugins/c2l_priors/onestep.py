"""A flow that also learns where its own walk ends, and jumps there in one call.

One network, trained at once on two questions. Where on average does a line through x_t come from:
the flow's own loss. And where does the straight walk from pure noise x_1 end, under this prompt: a
few deterministic steps of the network as it is now give the answer, and the network learns to say
it in one call. So there is no teacher to train first (Luhman & Luhman 2021, arXiv 2101.02388,
distil a finished one in the same way; Frans et al. 2024, arXiv 2410.12557, learn a shortcut for
every length of step).
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from c2l_priors.checks import Count, Drop, Guidance, Share, Size
from c2l_priors.flow import FlowPrior
from c2l_priors.gap import DEFAULT_ADHERENCE, DEFAULT_GAP, DEFAULT_NOISE
from c2l_priors.network import Condition, ModulatedMLP
from c2l_priors.seeds import SeededNormal

WALK_STEPS = 4
"""Of the walk that the jump learns from. Straight lines bend little: 4 do nearly as 32."""

SHARE = 0.5
"""Of a batch, for the jump: its answers cost as many calls as there are steps."""


class OneStepPrior(FlowPrior):
    """Draws varied latents in one call of the network; with more ``steps`` it walks as a flow.

    Its arguments are those of ``FlowPrior``.
    """

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        hidden: Count = 256,
        num_blocks: Count = 4,
        gap: str = DEFAULT_GAP,
        noise: Size = DEFAULT_NOISE,
        adherence: Share = DEFAULT_ADHERENCE,
        drop: Drop = 0.1,
        guidance: Guidance = 1.0,
        steps: Count = 1,
    ) -> None:
        super().__init__(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            hidden=hidden,
            num_blocks=num_blocks,
            gap=gap,
            noise=noise,
            adherence=adherence,
            drop=drop,
            guidance=guidance,
            steps=steps,
        )
        self.jump = nn.Parameter(torch.zeros(ModulatedMLP.num_modulations(num_blocks), hidden))

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        walk = super().training_loss(embeddings, latents, rng)
        num = max(1, round(SHARE * len(latents)))
        noise = torch.randn(num, latents[0].numel(), generator=rng).to(self.device)
        shown = (torch.rand(num, generator=rng) >= self.drop).to(self.device)
        condition = self.prompt(*self.gap.show(embeddings[:num], rng), shown)
        with torch.no_grad():
            goal = self._straight_walk(noise, condition)
        return walk + (self._jump(noise, condition).float() - goal).square().mean()

    def _straight_walk(self, x: Tensor, condition: Condition) -> Tensor:
        """From noise to standardised latents without noise anew: a function of the noise."""
        times = torch.linspace(1.0, 0.0, WALK_STEPS + 1, device=x.device)
        modulations = self.time(times[:-1])
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            clean = self.predict(x, x.new_full((len(x),), now), condition, modulations[step])
            x = torch.lerp(clean, x, after / now)
        return x

    def _jump(self, noise: Tensor, condition: Condition) -> Tensor:
        return self.predict(noise, noise.new_ones(len(noise)), condition, self.jump)

    def _draw(
        self,
        condition: Condition,
        against: Condition | None,
        guidance: float,
        steps: int,
        normal: SeededNormal,
    ) -> Tensor:
        if steps > 1:
            return super()._draw(condition, against, guidance, steps, normal)
        noise = normal(self.latent_size)
        return self._guided(noise, 1.0, self.jump, condition, against, guidance)
