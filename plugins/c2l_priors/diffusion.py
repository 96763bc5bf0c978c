"""clip2latent's diffusion prior (Pinkney & Li 2022, arXiv 2210.02347), a causal transformer.

It is DALL-E 2's prior (Ramesh et al. 2022, arXiv 2204.06125) on latents of a GAN. It reads the
authors' checkpoints as well as its own files, and draws the same latents from them as their code
does, from the same noise.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, N pairs, T timesteps.

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l import (
    Bridge,
    Modality,
    Prior,
    SampleOptions,
    Source,
    check_embeddings,
    check_pairs,
)
from c2l.errors import BadInput, BadWeights
from c2l.reading import unfilled
from c2l_priors.diffusion_checkpoints import is_checkpoint, read_checkpoint, recognises
from c2l_priors.diffusion_guided import Guided
from c2l_priors.diffusion_network import Contexts, PriorNetwork
from c2l_priors.diffusion_noise import endless_noise, given_noise, turned
from c2l_priors.diffusion_samplers import SAMPLERS, SamplerName, renoised
from c2l_priors.diffusion_schedule import NoiseSchedule
from c2l_priors.diffusion_settings import PAPER, DiffusionSettings
from c2l_priors.guidance import guidance_of, led_from
from c2l_priors.scaling import LatentScale


class DiffusionPrior(Prior):
    """clip2latent's diffusion: varied latents by removing noise step by step.

    Without a gap, as in the paper, embeddings keep their length, as the embedder gives them, and
    training turns them by noise. With one, they are what the gap makes of them, but the network is
    not told how noisy they are.
    """

    Settings = DiffusionSettings
    config: DiffusionSettings
    supported_options: ClassVar[frozenset[str]] = Prior.supported_options | {"towards", "near"}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        self.gap: Bridge | None = None
        if config.gap != PAPER:
            self.gap = Bridge(
                config.embedding_width,
                ingredients=config.gap,
                noise=config.noise,
                adherence=config.adherence,
            )
        self.scale = LatentScale(config.num_codes, config.latent_width)
        self.schedule = NoiseSchedule(config.num_timesteps)
        self.network = PriorNetwork(
            embedding_width=config.embedding_width,
            num_codes=config.num_codes,
            latent_width=config.latent_width,
            width=config.width,
            depth=config.depth,
            heads=config.heads,
            head_width=config.head_width,
            expansion=config.expansion,
            num_timesteps=config.num_timesteps,
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
        """How many layers each of the K codes feeds; None leaves it to the generator."""
        return self.card.repeats if self.card else self._repeats

    def _compute_in(self, dtype: torch.dtype) -> None:
        """Round the network to ``dtype``, in which it then computes.

        In bfloat16, latents are off by about 1 % of their standard deviation; schedule, statistics
        and latents stay float32.
        """
        self.network.to(dtype)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read a prior file, or a checkpoint of the authors' code, on the CPU, in float32.

        A checkpoint does not say for which generator and embedder it was trained, so the prior has
        no card: the caller names the two parts, and nobody can check them. What the checkpoint does
        know, its repeats, is in ``repeats``. Saved with a card it becomes an ordinary prior file.
        Nothing in the checkpoint is executed.

        Raises:
            BadWeights: the file is truncated or foreign, or contains executable content.
        """
        assert source.path is not None, "a prior is always a file"
        if not is_checkpoint(source.path):
            return super().load(source)
        found = read_checkpoint(source.path)
        try:
            with unfilled():  # the weights of the file take the place of these
                prior = cls(**found.settings)
        except BadInput as error:
            raise BadWeights(
                f"{source.path} and its yaml do not fit a prior: {error.message}",
                hint="Put the yaml that was published with the checkpoint beside it",
            ) from error
        prior.load_state_dict(found.tensors, assign=True)
        prior._repeats, prior.remarks = found.repeats, found.remarks
        return prior.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` is a checkpoint of the authors' code; looks at the names in it alone."""
        return recognises(path)

    def _halved(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The network alone is rounded: the schedule needs every digit."""
        network = {n: t for n, t in tensors.items() if n.startswith("network.")}
        return {**tensors, **super()._halved(network)}

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        check_pairs(self.config, embeddings, latents, texts)
        self.scale.fit(latents)
        if self.gap is not None:
            self.gap.fit(embeddings, texts)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        device = self.device
        clean = self.scale(latents.to(device)).view_as(latents)
        num = len(clean)
        times = torch.randint(self.config.num_timesteps, (num,), generator=rng).to(device)
        noise = torch.randn(clean.shape, generator=rng).to(device)
        keep = (torch.rand(num, generator=rng) >= self.config.drop).to(device)
        if self.gap is not None:
            seen, _ = self.gap.show(embeddings, rng)
        else:
            turn = torch.randn(embeddings.shape, generator=rng).to(device)
            seen = turned(embeddings.to(device), turn, self.config.noise)
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
            BadInput: a shape does not fit, or a timestep is out of range.
        """
        check_embeddings(embeddings, self.config.embedding_width)
        num, num_timesteps = len(embeddings), self.config.num_timesteps
        wanted = {"x_t": self._shape(num), "t": (num,), "keep": (num,)}
        for name, given in (("x_t", x_t), ("t", t), ("keep", keep)):
            if tuple(given.shape) != wanted[name]:
                raise BadInput(
                    f"{name} should have shape {wanted[name]}, not {tuple(given.shape)}",
                    hint="Give one row for each embedding",
                    field=name,
                )
        if not num:
            return torch.empty(wanted["x_t"], device=self.device)
        if not 0 <= int(t.min()) <= int(t.max()) < num_timesteps:
            raise BadInput(
                "a timestep is out of range",
                hint=f"Use `t` from 0 to {num_timesteps - 1}",
                field="t",
            )
        device = self.device
        return self._predict(
            x_t.to(device), t.to(device), embeddings.to(device), keep.to(device, torch.bool)
        )

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        config, shape = self.config, self._shape(len(embeddings))
        if not len(embeddings):
            return torch.empty(shape, device=self.device)
        normal = options.normal(self.device)
        own_steps = min(config.steps or SAMPLERS[config.sampler].steps, config.num_timesteps)
        steps = options.steps or own_steps
        against = self._led_from(options)
        guided = self._guided(
            self._asked(embeddings, options, normal),
            guidance_of(options, against, config.guidance, config.drop),
            None if against is None else self._unit(against, "text"),
        )
        noise = endless_noise(normal, shape)
        if (near := options.near) is None:
            return self._walk(guided, config.sampler, steps, noise)
        self._refuse_more_steps(steps)
        own = self.scale(near.latents.to(self.device)).view(shape)
        x = renoised(guided, self.schedule, steps, next(noise), own, near.amount)
        return self.scale.inverse(x.flatten(1))

    @torch.no_grad()
    def sample_from_noise(
        self,
        embeddings: Tensor,
        noise: Iterable[Tensor],
        *,
        sampler: SamplerName,
        steps: int,
        guidance: float,
        truncation: float = 1.0,
    ) -> Tensor:
        """Draw latents from given noise, with any sampler: what the authors' code would draw.

        Args:
            embeddings: of text, float32, shape (B, E), as the embedder gives them.
            noise: the start x_T and then the noise of each step, in the order of use, each of
                B * K * D numbers.
            sampler: ``skip`` for the authors'; see ``c2l_priors.diffusion_samplers``.
            steps: calls of the network.
            guidance: strength of classifier-free guidance; 1 is none.
            truncation: pulls the latents towards the mean of the training latents; 1 leaves them.
        Returns:
            float32, shape (B, K, D), in the generator's latent space (not standardised).
        Raises:
            BadInput: a shape does not fit, a value is out of range, or the noise runs out.
        """
        if sampler not in SAMPLERS:
            raise BadInput(
                f"there is no sampler '{sampler}'",
                hint=f"Use `sampler`: {', '.join(SAMPLERS)}",
                field="sampler",
            )
        options = SampleOptions(seeds=(), steps=steps, guidance=guidance)  # checks both
        check_embeddings(embeddings, self.config.embedding_width)
        shape = self._shape(len(embeddings))
        if not len(embeddings):
            return torch.empty(shape, device=self.device)
        strength = guidance_of(options, None, guidance, self.config.drop)
        guided = self._guided(self._unit(embeddings, "text"), strength, None)
        latents = self._walk(guided, sampler, steps, given_noise(noise, shape))
        return latents if truncation == 1 else torch.lerp(self.scale.mean, latents, truncation)

    def _guided(self, embeddings: Tensor, guidance: float, against: Tensor | None) -> Guided:
        """The network for these embeddings (B, E); see ``Guided``."""
        scale = self.config.embedding_scale
        scaled = None if against is None else against * scale
        return Guided(self.network, embeddings * scale, guidance, scaled)

    def _walk(
        self, guided: Guided, sampler: SamplerName, steps: int, noise: Iterator[Tensor]
    ) -> Tensor:
        """Latents (B, K, D) from noise, each tensor of it of that shape."""
        self._refuse_more_steps(steps)
        device = self.device
        moved = (item.to(device) for item in noise)
        x = SAMPLERS[sampler].run(guided, self.schedule, steps, moved)
        return self.scale.inverse(x.flatten(1))

    def _refuse_more_steps(self, steps: int) -> None:
        most = self.config.num_timesteps
        if steps > most:
            raise BadInput(
                f"this prior cannot take {steps} steps",
                hint=f"Use `steps` from 1 to {most}",
                field="steps",
            )

    def _shape(self, num: int) -> tuple[int, int, int]:
        """Of ``num`` latents."""
        return num, self.config.num_codes, self.config.latent_width

    def _led_from(self, options: SampleOptions) -> Tensor | None:
        """What guidance leads away from, (B, E); None for no prompt."""
        if self.gap is not None or options.negative is None:
            return led_from(options)
        if options.negative_by == "embedding":
            raise BadInput(
                "without a gap this prior does not know the mean of texts to move away from",
                hint="Use `negative_by=guidance`",
                field="negative_by",
            )
        return options.blended_negative

    def _unit(self, embeddings: Tensor, modality: Modality) -> Tensor:
        """Embeddings (B, E) as the network sees them, without noise; of unit length with a gap."""
        return embeddings if self.gap is None else self.gap.unit(embeddings, modality)

    def _asked(
        self, embeddings: Tensor, options: SampleOptions, normal: Callable[[int], Tensor]
    ) -> Tensor:
        """Embeddings (B, E) as the network sees them, turned by noise if adherence is below 1."""
        config = self.config
        adherence = config.adherence if options.adherence is None else options.adherence
        if self.gap is not None:
            options = dataclasses.replace(options, adherence=adherence)
            return self.gap.ask(embeddings, options, normal if adherence < 1 else None).unit
        if options.towards is not None:
            embeddings = options.towards.on_the_way(embeddings)
        if adherence == 1:
            return embeddings
        turn = normal(config.embedding_width).to(embeddings.device)
        return turned(embeddings, turn, config.noise * (1 - adherence))

    def _predict(self, x_t: Tensor, times: Tensor, embeddings: Tensor, keep: Tensor) -> Tensor:
        contexts = Contexts(times[:, None], embeddings * self.config.embedding_scale, keep)
        clean: Tensor = self.network(x_t, contexts)[0]
        return clean
