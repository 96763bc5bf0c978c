"""A rectified flow from noise to latents, conditioned on an embedding.

Latents x0 and noise x1 are joined by straight lines, x_t = (1 - t) x0 + t x1, and a network learns
where on average a line through x_t comes from (Liu et al. 2022, arXiv 2209.03003; Lipman et al.
2022, arXiv 2210.02747). Sampling goes from t = 1 to t = 0. Training drops the embedding now and
then, so that sampling can push away from the unconditional answer (classifier-free guidance, Ho &
Salimans 2022, arXiv 2207.12598).
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, N pairs.

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from c2l.errors import BadInput
from c2l.prior import Prior
from c2l_priors.conditioning import add_noise, check_embeddings, check_pairs, check_seeds
from c2l_priors.network import ModulatedMLP, TimeEmbedding
from c2l_priors.scaling import LatentScale


class FlowPrior(Prior):
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
        noise: length of the noise added to unit embeddings while training.
        sampling_noise: length of the noise added to them when sampling: up to that of training,
            more variety for each prompt; too much where text lies far from all pictures.
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
        hidden: int = 256,
        num_blocks: int = 4,
        noise: float = 0.75,
        sampling_noise: float = 0.0,
        drop: float = 0.15,
        guidance: float = 1.5,
        steps: int = 32,
    ) -> None:
        super().__init__()
        self.embedding_width = embedding_width
        self.num_codes = num_codes
        self.latent_width = latent_width
        self.hidden = hidden
        self.num_blocks = num_blocks
        self.noise = noise
        self.sampling_noise = sampling_noise
        self.drop = drop
        self.guidance = guidance
        self.steps = steps
        self.scale = LatentScale(num_codes, latent_width)
        self.time = TimeEmbedding(hidden)
        self.embedding = nn.Linear(embedding_width, hidden)
        self.no_embedding = nn.Parameter(torch.zeros(hidden))
        self.network = ModulatedMLP(num_codes * latent_width, hidden, num_blocks)

    def settings(self) -> Mapping[str, Any]:
        return {
            "embedding_width": self.embedding_width,
            "num_codes": self.num_codes,
            "latent_width": self.latent_width,
            "hidden": self.hidden,
            "num_blocks": self.num_blocks,
            "noise": self.noise,
            "sampling_noise": self.sampling_noise,
            "drop": self.drop,
            "guidance": self.guidance,
            "steps": self.steps,
        }

    def fit(self, embeddings: Tensor, latents: Tensor) -> None:
        shape = (self.num_codes, self.latent_width)
        check_pairs(embeddings, latents, self.embedding_width, shape)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        device = self.device
        clean = self.scale(latents.to(device))
        num = len(clean)
        # Logit-normal times dwell on the middle of the walk, where predictions are hardest.
        times = torch.sigmoid(torch.randn(num, generator=rng)).to(device)
        noise = torch.randn(clean.shape, generator=rng).to(device)
        shown = (torch.rand(num, generator=rng) >= self.drop).to(device)
        noisy = add_noise(normalize(embeddings.to(device), dim=1), self.noise, rng)

        x = torch.lerp(clean, noise, times[:, None])
        encoded = torch.where(shown[:, None], self._encode(noisy), self.no_embedding)
        _, spread = _precondition(times)
        error = self._denoise(x, times, encoded).float() - clean
        return (error / spread).square().mean()

    @torch.no_grad()
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
    ) -> Tensor:
        check_embeddings(embeddings, self.embedding_width)
        check_seeds(seeds, len(embeddings))
        guidance = self.guidance if guidance is None else guidance
        steps = self.steps if steps is None else steps
        if steps < 1:
            raise BadInput(f"{steps} steps draw nothing", hint="Use --steps 1 or more")

        device, size = self.device, self.num_codes * self.latent_width
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]

        def noise(width: int) -> Tensor:
            """Rows (B, width), each from its own seed."""
            rows = [torch.randn(width, generator=draw) for draw in draws]
            return torch.stack(rows).to(device)

        unit = normalize(embeddings.to(device), dim=1)
        if self.sampling_noise:
            # What a text leaves open is decided by the text tower's accidents, alike for all
            # seeds; noise, which training has seen more of than of bare embeddings, opens it.
            direction = normalize(noise(self.embedding_width), dim=1)
            unit = normalize(unit + self.sampling_noise * direction, dim=1)
        encoded = self._encode(unit)
        x = noise(size)
        times = torch.linspace(1.0, 0.0, steps + 1).tolist()
        for now, after in itertools.pairwise(times):
            clean = self._guided(x, now, encoded, guidance)
            # Noise anew instead of a straight walk on (as multistep consistency sampling does,
            # Song et al. 2023, arXiv 2303.01469): an answer between two codes is asked again.
            x = torch.lerp(clean, noise(size), after) if after else clean
        return self.scale.inverse(x)

    def _guided(self, x: Tensor, time: float, encoded: Tensor, guidance: float) -> Tensor:
        """The prediction of x0 at one time, pushed away from the unconditional one."""
        num = len(x)
        if guidance == 1:
            return self._denoise(x, x.new_full((num,), time), encoded)
        both = torch.cat([encoded, self.no_embedding.expand(num, -1)])
        clean = self._denoise(torch.cat([x, x]), x.new_full((2 * num,), time), both)
        return torch.lerp(clean[num:], clean[:num], guidance)

    def _encode(self, unit: Tensor) -> Tensor:
        # Unit vectors have components of about 1 / sqrt(E); layers like theirs near 1.
        out: Tensor = self.embedding(unit * self.embedding_width**0.5)
        return out

    def _denoise(self, x: Tensor, times: Tensor, encoded: Tensor) -> Tensor:
        """The prediction of x0 from x_t."""
        keep, spread = _precondition(times)
        size = torch.hypot(1 - times, times)[:, None]
        out: Tensor = self.network(x / size, encoded + self.time(times))
        return keep * x + spread * out


def _precondition(times: Tensor) -> tuple[Tensor, Tensor]:
    """How much of x_t is in the best linear guess of x0, and how far off it is; (B, 1) each."""
    t = times[:, None]
    variance = (1 - t).square() + t.square()
    return (1 - t) / variance, t / variance.sqrt()
