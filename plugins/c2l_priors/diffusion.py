"""The paper's prior: a causal transformer that undoes noise (Pinkney & Li 2022, arXiv 2210.02347).

It reads the authors' checkpoints as well as its own files, and draws the same latents from them as
their code does, from the same noise.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, N pairs, T timesteps.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l import Prior, PriorCard, Source
from c2l.errors import BadInput
from c2l.sample_options import Modality
from c2l_priors.checks import (
    Count,
    Drop,
    Guidance,
    Positive,
    Share,
    Size,
    check_embeddings,
    check_pairs,
    check_seeds,
)
from c2l_priors.diffusion_checkpoints import is_checkpoint, read_checkpoint, recognises
from c2l_priors.diffusion_network import Contexts, Memory, PriorNetwork
from c2l_priors.diffusion_samplers import SAMPLERS
from c2l_priors.diffusion_schedule import NoiseSchedule
from c2l_priors.gap import Gap
from c2l_priors.scaling import LatentScale
from c2l_priors.seeds import SeededNormal

PAPER = "paper"
"""The gap of the paper: raw embeddings, and isotropic noise while training."""

AHEAD = 10
"""For so many calls of the network the first one computes what they need of prompts and times."""


class DiffusionPrior(Prior):
    """Draws varied latents by undoing noise step by step.

    Without a gap, which is the paper's way, embeddings are taken with their length, as the embedder
    gives them, and training turns them by noise. With one they are what the gap makes of them, but
    the network is not told how noisy.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        width: of the network; None: E where E = D, as in the paper, else 256.
        depth: its layers.
        heads: of its attention.
        head_width: width of each head.
        expansion: how much wider a layer is inside.
        num_timesteps: T.
        embedding_scale: embeddings are multiplied by this.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``; ``paper`` for
            the paper's.
        noise: length of the noise added to unit embeddings while training.
        adherence: the default of ``sample``.
        drop: how often training hides the embedding.
        sampler: the default of ``sample``: ddim, ddpm, dpm++2m or skip.
        guidance: the default of ``sample``.
        steps: the default of ``sample``; None: what suits the sampler.
    """

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        width: Count | None = None,
        depth: Count = 6,
        heads: Count = 8,
        head_width: Count = 64,
        expansion: Count = 4,
        num_timesteps: Count = 1000,
        embedding_scale: Positive = 1.0,
        gap: str = PAPER,
        noise: Size = 1.0,
        adherence: Share = 1.0,
        drop: Drop = 0.2,
        sampler: str = "dpm++2m",
        guidance: Guidance = 2.0,
        steps: Count | None = None,
    ) -> None:
        super().__init__()
        if width is None:
            width = embedding_width if embedding_width == latent_width else 256
        _check_sampler(sampler)
        self.embedding_width = embedding_width
        self.num_codes = num_codes
        self.latent_width = latent_width
        self.width = width
        self.depth = depth
        self.heads = heads
        self.head_width = head_width
        self.expansion = expansion
        self.num_timesteps = num_timesteps
        self.embedding_scale = embedding_scale
        self.noise = noise
        self.adherence = adherence
        self.drop = drop
        self.sampler = sampler
        self.guidance = guidance
        self.steps = steps
        self.gap: Gap | None = None
        if gap != PAPER:
            self.gap = Gap(embedding_width, ingredients=gap, noise=noise, adherence=adherence)
        self.scale = LatentScale(num_codes, latent_width)
        self.schedule = NoiseSchedule(num_timesteps)
        self.network = PriorNetwork(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            width=width,
            depth=depth,
            heads=heads,
            head_width=head_width,
            expansion=expansion,
            num_timesteps=num_timesteps,
        )
        self._repeats: tuple[int, ...] | None = None

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        width = embedding_width if embedding_width == latent_width else min(latent_width, 512)
        if num_pairs >= 500_000:  # the paper's
            return {"width": width, "depth": 12, "heads": 12}
        if num_pairs >= 50_000:
            return {"width": width, "depth": 6, "heads": 8}
        return {"width": width, "depth": 4, "heads": 4, "head_width": 32}

    @property
    def repeats(self) -> tuple[int, ...] | None:
        """How often each of the K codes feeds the generator; None leaves it to the generator."""
        return self.card.repeats if self.card else self._repeats

    def compute_in(self, dtype: torch.dtype) -> None:
        """Round the network to ``dtype``, in which it then computes.

        In bfloat16 latents are wrong by about 1 % of their standard deviation; schedule,
        statistics and latents stay float32.
        """
        self.network.to(dtype)

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "gap": self.gap.ingredients if self.gap else PAPER}

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read a prior file, or a checkpoint of the authors' code, on the CPU, in float32.

        A checkpoint does not say for which weights of a generator and an embedder it was trained,
        so that the prior has no card: the caller names the two parts, and nobody can check them.
        What the checkpoint does know, its repeats, is in ``repeats``. Saved with a card it becomes
        an ordinary prior file. Nothing in the checkpoint is executed.

        Raises:
            BadWeights: the file is truncated or foreign, or wants to call something.
        """
        assert source.path is not None, "a prior is always a file"
        if not is_checkpoint(source.path):
            return super().load(source)
        found = read_checkpoint(source.path)
        with torch.device("meta"):  # the weights of the file take the place of these
            prior = cls(**found.settings)
        prior.load_state_dict(found.tensors, assign=True)
        prior._repeats = found.repeats
        return prior.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` is a checkpoint of the authors' code; looks at the names in it alone."""
        return recognises(path)

    def save(self, path: Path, card: PriorCard, *, half: bool = False) -> None:
        """As every prior; ``half`` rounds the network alone, its schedule needs every digit."""
        if half:
            self.network.half()
        try:
            super().save(path, card)
        finally:
            if half:
                self.network.float()

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        shape = (self.num_codes, self.latent_width)
        check_pairs(embeddings, latents, self.embedding_width, shape, texts)
        self.scale.fit(latents)
        if self.gap is not None:
            self.gap.fit(embeddings, texts)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        device = self.device
        clean = self.scale(latents.to(device)).view_as(latents)
        num = len(clean)
        times = torch.randint(self.num_timesteps, (num,), generator=rng).to(device)
        noise = torch.randn(clean.shape, generator=rng).to(device)
        keep = (torch.rand(num, generator=rng) >= self.drop).to(device)
        if self.gap is not None:
            seen, _ = self.gap.show(embeddings, rng)
        else:
            turn = torch.randn(embeddings.shape, generator=rng).to(device)
            seen = turned(embeddings.to(device), turn, self.noise)
        x_t = self.schedule.diffuse(clean, times, noise)
        return F.mse_loss(self._predict(x_t, times, seen, keep), clean)

    @torch.no_grad()
    def denoise(self, x_t: Tensor, t: Tensor, embeddings: Tensor, keep: Tensor) -> Tensor:
        """Predict the clean latents behind noisy ones, in one call of the network.

        Args:
            x_t: noisy standardised latents, float32, shape (B, K, D).
            t: timesteps from 0 (clean) to T - 1 (noise), int64, shape (B,).
            embeddings: as the embedder gives them, float32, shape (B, E).
            keep: whether the network sees the embedding, bool, shape (B,).
        Returns:
            standardised latents, float32, shape (B, K, D).
        Raises:
            BadInput: a shape does not fit, or a timestep is none.
        """
        check_embeddings(embeddings, self.embedding_width)
        num = len(embeddings)
        wanted = {"x_t": (num, self.num_codes, self.latent_width), "t": (num,), "keep": (num,)}
        for name, given in (("x_t", x_t), ("t", t), ("keep", keep)):
            if tuple(given.shape) != wanted[name]:
                raise BadInput(
                    f"{name} should have shape {wanted[name]}, not {tuple(given.shape)}",
                    hint="Give one row for each embedding",
                )
        if not num:
            return torch.empty(wanted["x_t"], device=self.device)
        if not 0 <= int(t.min()) <= int(t.max()) < self.num_timesteps:
            raise BadInput("a timestep is out of range", hint=f"Use 0 to {self.num_timesteps - 1}")
        device = self.device
        return self._predict(
            x_t.to(device), t.to(device), embeddings.to(device), keep.to(device, torch.bool)
        )

    @torch.no_grad()
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int] | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        adherence: float | None = None,
        negative: Tensor | None = None,
        modality: Modality = "text",
        sampler: str | None = None,
        truncation: float = 1.0,
        noise: Iterator[Tensor] | None = None,
    ) -> Tensor:
        """Draw latents for embeddings, usually of text.

        Args:
            embeddings: float32, shape (B, E), as the embedder gives them.
            seeds: B non-negative integers; row i depends on its embedding and ``seeds[i]`` alone.
            guidance: strength of classifier-free guidance; 1 is none; None the prior's default.
            steps: calls of the network; None: the default of the prior or the sampler.
            adherence: below 1 the embedding is turned by 1 - adherence times the noise of training;
                None the prior's default. With ``noise`` it is 1.
            negative: float32, shape (B, E): takes the place of no prompt in guidance.
            modality: what the embeddings are of; makes a difference where the prior has a gap.
            sampler: ``dpm++2m``, ``ddim``, ``ddpm``, or ``skip``, which repeats what the authors'
                code draws in a few steps; None the prior's default.
            truncation: pulls the latents towards the mean of the training latents; 1 leaves them.
            noise: instead of seeds, the start x_T and then the noise of each step, in the order of
                use, each of B * K * D numbers.
        Returns:
            float32, shape (B, K, D), in the generator's latent space (not standardised).
        Raises:
            BadInput: a shape does not fit, or the sampler cannot take so many steps.
        """
        check_embeddings(embeddings, self.embedding_width)
        if (seeds is None) == (noise is None):
            raise BadInput("noise comes from seeds or from an iterator", hint="Give one of the two")
        if seeds is not None:
            check_seeds(seeds, len(embeddings))
        chosen = SAMPLERS[_check_sampler(sampler or self.sampler)]
        if steps is None:
            own = self.steps if sampler in {None, self.sampler} else None
            steps = min(own or chosen.steps, self.num_timesteps)
        if not 1 <= steps <= self.num_timesteps:
            raise BadInput(
                f"this prior cannot take {steps} steps",
                hint=f"Use --steps from 1 to {self.num_timesteps}",
            )

        shape = (len(embeddings), self.num_codes, self.latent_width)
        device = self.device
        if not shape[0]:
            return torch.empty(shape, device=device)
        if seeds is not None:
            normal = SeededNormal(seeds, device)
            tensors = _from_seeds(normal, shape)
            asked = self._asked(embeddings, modality, adherence, normal)
        else:
            tensors = _from_given(noise, shape)
            asked = self._asked(embeddings, modality, 1.0, None)
        against = None
        if negative is not None:
            check_embeddings(negative, self.embedding_width)
            against = self._asked(negative, "text", 1.0, None)
        predict = _Guided(self, asked, self._guidance(guidance, against), against)
        x = chosen.run(predict, self.schedule, steps, (item.to(device) for item in tensors))
        latents = self.scale.inverse(x.flatten(1))
        return latents if truncation == 1 else torch.lerp(self.scale.mean, latents, truncation)

    def _asked(
        self,
        embeddings: Tensor,
        modality: Modality,
        adherence: float | None,
        normal: SeededNormal | None,
    ) -> Tensor:
        """Embeddings (B, E) as the network sees them; without ``normal``, adherence is 1."""
        adherence = self.adherence if adherence is None else adherence
        if self.gap is None:
            if adherence == 1 or normal is None:
                return embeddings
            turn = normal(self.embedding_width).to(embeddings.device)
            return turned(embeddings, turn, self.noise * (1 - adherence))
        if adherence == 1 or normal is None:
            return self.gap.unit(embeddings, modality)
        return self.gap.ask(embeddings, modality, adherence, normal)[0]

    def _guidance(self, guidance: float | None, against: Tensor | None) -> float:
        if self.drop > 0 or against is not None:
            return self.guidance if guidance is None else guidance
        if guidance in {None, 1}:
            return 1.0
        raise BadInput(
            "this prior never saw hidden embeddings and cannot be guided", hint="Use --guidance 1"
        )

    def _predict(self, x_t: Tensor, times: Tensor, embeddings: Tensor, keep: Tensor) -> Tensor:
        contexts = Contexts(times[:, None], embeddings * self.embedding_scale, keep)
        clean: Tensor = self.network(x_t, contexts)[0]
        return clean


class _Guided:
    """Predictions of a whole batch at one time, with guidance, in one call of the network.

    Samples that share a prompt share what depends on prompt and time alone; all of them share it in
    the unconditional half.

    Args:
        embeddings: (B, E), as the network sees them.
        against: (B, E), what guidance pushes away from; None for no prompt.
    """

    def __init__(
        self, prior: DiffusionPrior, embeddings: Tensor, guidance: float, against: Tensor | None
    ) -> None:
        self.network = prior.network
        self.guidance = guidance
        device = prior.device
        halves = [(embeddings, True)] if guidance != 0 else []
        if guidance != 1:
            # What a hidden embedding is makes no difference.
            halves.append(
                (torch.zeros_like(embeddings), False) if against is None else (against, True)
            )
        contexts: list[Tensor] = []
        kept: list[Tensor] = []
        samples: list[Tensor] = []
        for rows, seen in halves:
            distinct, which = torch.unique(rows.cpu(), dim=0, return_inverse=True)
            samples.append(which + sum(map(len, contexts)))
            contexts.append(distinct)
            kept.append(torch.full((len(distinct),), seen))
        self.embeddings = torch.cat(contexts).to(device) * prior.embedding_scale
        self.keep = torch.cat(kept).to(device)
        self.samples = torch.cat(samples).to(device)
        self.memory: Memory | None = None

    def __call__(self, x: Tensor, times: Sequence[int]) -> Tensor:
        num = len(self.samples) // len(x)
        given = self.memory or self._contexts(times[:AHEAD])
        out: Tensor
        out, self.memory = self.network(x.repeat(num, 1, 1), given)
        if num == 2:
            with_prompt, without = out.chunk(2)
            out = torch.lerp(without, with_prompt, self.guidance)
        return out

    def _contexts(self, times: Sequence[int]) -> Contexts:
        row = torch.tensor(times, device=self.samples.device)
        each = row.expand(len(self.keep), -1)
        return Contexts(each, self.embeddings, self.keep, self.samples)


def turned(embeddings: Tensor, direction: Tensor, noise: float) -> Tensor:
    """Embeddings (B, E) turned towards ``direction`` (B, E), their lengths kept.

    Unit embeddings are moved by ``noise`` in that direction before they get their lengths back.
    """
    moved = F.normalize(embeddings, dim=1) + noise * F.normalize(direction, dim=1)
    lengths: Tensor = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
    return lengths * F.normalize(moved, dim=1)


def _check_sampler(name: str) -> str:
    if name not in SAMPLERS:
        raise BadInput(f"there is no sampler {name!r}", hint=f"Use {', '.join(SAMPLERS)}")
    return name


def _from_seeds(normal: SeededNormal, shape: tuple[int, ...]) -> Iterator[Tensor]:
    """Noise without end, row i from a generator of its own."""
    while True:
        yield normal(shape[1] * shape[2]).view(shape)


def _from_given(noise: Iterator[Tensor] | None, shape: tuple[int, ...]) -> Iterator[Tensor]:
    """The caller's noise, brought to ``shape``."""
    for item in noise or ():
        if item.numel() != torch.Size(shape).numel():
            raise BadInput(
                f"a tensor of noise has shape {tuple(item.shape)}, not {shape}",
                hint="Give as many numbers as there are in the latents",
            )
        yield item.float().reshape(shape)
    raise BadInput("the noise ran out", hint="Give the start and one tensor for each step")
