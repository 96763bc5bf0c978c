"""A rectified flow from noise to latents, conditioned on an embedding.

Latents x0 and noise x1 are joined by straight lines, x_t = (1 - t) x0 + t x1, and a network learns
where on average a line through x_t comes from (Liu et al. 2022, arXiv 2209.03003; Lipman et al.
2022, arXiv 2210.02747). Sampling goes from t = 1 to t = 0. Training drops the embedding now and
then, so that sampling can push away from the unconditional answer (classifier-free guidance, Ho &
Salimans 2022, arXiv 2207.12598), or from what a negative prompt gives.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, H hidden width,
# M modulating vectors.

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from c2l.errors import BadInput
from c2l.sample_options import Modality
from c2l_priors.base import GapPrior
from c2l_priors.checks import Count, Drop, Guidance, Share, Size, check_embeddings, check_seeds
from c2l_priors.gap import DEFAULT_ADHERENCE, DEFAULT_GAP, DEFAULT_NOISE
from c2l_priors.network import Condition, ModulatedMLP, PromptEncoder, TimeEncoder
from c2l_priors.scaling import LatentScale
from c2l_priors.seeds import SeededNormal

GUIDED = (0.2, 0.8)
"""The times at which guidance acts: before, it narrows the choice more than it helps (Kynkaanniemi
et al. 2024, arXiv 2404.07724); after, nothing would correct what it overshoots. A guided step costs
two calls, made as one of twice the batch."""

NEGATIVE_GUIDANCE = 2.0
"""The guidance where a negative prompt is given and no strength: without any, it has no say."""


class FlowPrior(GapPrior):
    """Draws varied latents in a few steps.

    The network is preconditioned so that its input and its target have unit variance at every t
    (Karras et al. 2022, arXiv 2206.00364, carried over to straight lines): near t = 0 the latent
    is mostly taken from x_t, near t = 1 it is all predicted. Walks end on a prediction of x0, with
    no noise left over, which matters where latents are nearly codes.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        hidden: width of the network.
        num_blocks: its residual blocks.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
        noise: the longest noise added to unit embeddings.
        adherence: the default of ``sample``.
        drop: how often training hides the embedding.
        guidance: the default of ``sample``.
        steps: the default of ``sample``.
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
        steps: Count = 8,
    ) -> None:
        super().__init__(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            gap=gap,
            noise=noise,
            adherence=adherence,
        )
        self.hidden = hidden
        self.num_blocks = num_blocks
        self.drop = drop
        self.guidance = guidance
        self.steps = steps
        num_modulations = ModulatedMLP.num_modulations(num_blocks)
        self.scale = LatentScale(num_codes, latent_width)
        self.prompt = PromptEncoder(embedding_width, hidden, num_modulations)
        self.time = TimeEncoder(hidden, num_modulations)
        self.enter = nn.Linear(self.latent_size, hidden)
        self.network = ModulatedMLP(hidden, self.latent_size, num_blocks)

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        if num_pairs >= 200_000:
            return {"hidden": 512}
        return {} if num_pairs >= 5_000 else {"hidden": 128, "num_blocks": 3}

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        clean = self.scale(latents.to(self.device))
        num = len(clean)
        unit, levels = self.gap.show(embeddings, rng)
        shown = (torch.rand(num, generator=rng) >= self.drop).to(clean.device)
        return self.walk_loss(clean, self.prompt(unit, levels, shown), rng)

    def walk_loss(self, clean: Tensor, condition: Condition, rng: torch.Generator) -> Tensor:
        """How far predictions are from standardised latents (B, K * D), weighted to unit scale."""
        # Logit-normal times dwell on the middle of the walk, where predictions are hardest.
        times = torch.sigmoid(torch.randn(len(clean), generator=rng)).to(clean.device)
        noise = torch.randn(clean.shape, generator=rng).to(clean.device)
        x = torch.lerp(clean, noise, times[:, None])
        predicted = self.predict(x, times, condition, self.time(times))
        _, spread = _precondition(times)
        return ((predicted.float() - clean) / spread).square().mean()

    @torch.no_grad()
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
        adherence: float | None = None,
        negative: Tensor | None = None,
        modality: Modality = "text",
    ) -> Tensor:
        check_embeddings(embeddings, self.embedding_width)
        check_seeds(seeds, len(embeddings))
        steps = self.steps if steps is None else steps
        if steps < 1:
            raise BadInput(f"{steps} steps draw nothing", hint="Use --steps 1 or more")
        if guidance is None:
            guidance = self.guidance if negative is None else max(self.guidance, NEGATIVE_GUIDANCE)
        normal = SeededNormal(seeds, self.device)
        condition = self.prompt(*self.gap.ask(embeddings, modality, adherence, normal))
        against = None
        if guidance != 1:
            against = self._against(negative, len(embeddings))
        return self.scale.inverse(self._draw(condition, against, guidance, steps, normal))

    def _against(self, negative: Tensor | None, num: int) -> Condition:
        """What guidance pushes away from."""
        if negative is None:
            if not self.drop:
                raise BadInput(
                    "this prior never saw hidden embeddings and cannot be guided",
                    hint="Use --guidance 1, or give a negative prompt",
                )
            return self.prompt.no_prompt(num)
        check_embeddings(negative, self.embedding_width)
        unit = self.gap.unit(negative, "text")
        # Told to be as loose as can be: what is near the negative prompt is unwanted as well.
        return self.prompt(unit, unit.new_ones(len(unit)))

    def _draw(
        self,
        condition: Condition,
        against: Condition | None,
        guidance: float,
        steps: int,
        normal: SeededNormal,
    ) -> Tensor:
        """Walk from noise to standardised latents (B, K * D)."""
        x = normal(self.latent_size)
        times = torch.linspace(1.0, 0.0, steps + 1, device=x.device)
        modulations = self.time(times[:-1])
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            guided = against if GUIDED[0] <= now <= GUIDED[1] or steps == 1 else None
            clean = self._guided(x, now, modulations[step], condition, guided, guidance)
            # Noise anew instead of a straight walk on (as multistep consistency sampling does,
            # Song et al. 2023, arXiv 2303.01469): an answer between two codes is asked again.
            x = torch.lerp(clean, normal(self.latent_size), after) if after else clean
        return x

    def _guided(
        self,
        x: Tensor,
        time: float,
        modulation: Tensor,
        condition: Condition,
        against: Condition | None,
        guidance: float,
    ) -> Tensor:
        """The prediction of x0 at one time, pushed away from what ``against`` gives."""
        num = len(x)
        if against is None:
            return self.predict(x, x.new_full((num,), time), condition, modulation)
        both = self.predict(
            torch.cat([x, x]), x.new_full((2 * num,), time), condition.and_then(against), modulation
        )
        return torch.lerp(both[num:], both[:num], guidance)

    def predict(self, x: Tensor, times: Tensor, condition: Condition, modulation: Tensor) -> Tensor:
        """The prediction of x0 (B, K * D) from x_t, its times (B,), and what times modulate."""
        keep, spread = _precondition(times)
        size = torch.hypot(1 - times, times)[:, None]
        start = self.enter(x / size) + condition.start
        out: Tensor = self.network(start, condition.modulation + modulation)
        return keep * x + spread * out


def _precondition(times: Tensor) -> tuple[Tensor, Tensor]:
    """How much of x_t is in the best linear guess of x0, and how far off it is; (B, 1) each."""
    t = times[:, None]
    variance = (1 - t).square() + t.square()
    return (1 - t) / variance, t / variance.sqrt()
