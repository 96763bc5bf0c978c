"""Rectified flow (Liu et al. 2022, arXiv 2209.03003) from noise to latents, given an embedding.

Latents x0 and noise x1 are joined by straight lines, x_t = (1 - t) x0 + t x1, and a network learns
where on average a line through x_t comes from (see also Lipman et al. 2022, arXiv 2210.02747).
Sampling goes from t = 1 to t = 0. Training drops the embedding now and then, so that sampling can
be guided, see ``c2l_priors.guidance``.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, H hidden width,
# M modulating vectors.

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from c2l import BridgedPrior, BridgeSettings, Near, Prior, SampleOptions, replayed
from c2l.ranges import Count, Drop, Guidance, Share, Steps
from c2l_priors.classes import ClassTeacher, as_tensor, fit_teacher, taught
from c2l_priors.guidance import guidance_of, led_from
from c2l_priors.network import Condition, ModulatedMLP, PromptEncoder, TimeEncoder
from c2l_priors.scaling import LatentScale

GUIDED = {"guided_above": 0.1, "guided_below": 0.6}
"""The times at which guidance acts: before, it narrows the choice more than it helps (Kynkäänniemi
et al. 2024, arXiv 2404.07724); after, nothing would correct what it overshoots. A guided step costs
two calls, made as one of twice the batch."""
ONCE_GUIDED = {"guided_above": 0.2, "guided_below": 0.8}
"""The times of priors whose files name none: their seeds draw what they always did."""

WIDEST_WHITENED = 1024
"""Of codes: their axes take 4 MB of a file."""

Numbers = Callable[[int], Tensor]
"""The next standard normal numbers, (B, width)."""


class Asked(NamedTuple):
    """What is sampled for.

    Args:
        seen: embeddings and how noisy they are, as the bridge shows them, (B, E) and (B,).
        against: the same of what guidance moves away from; None for no prompt.
        guidance: its strength; 1 for none.
        classes: of the samples, int64, (B,); None lets the prompt choose.
    """

    seen: tuple[Tensor, Tensor]
    against: tuple[Tensor, Tensor] | None
    guidance: float
    classes: Tensor | None = None


class Guided(NamedTuple):
    """What a walk is asked for, what guidance moves away from, and how strongly; None: unguided."""

    condition: Condition
    against: Condition | None
    guidance: float


class FlowPrior(BridgedPrior):
    """Rectified flow: varied latents in a few steps.

    The network is preconditioned so that its input and its target have unit variance at every t
    (Karras et al. 2022, arXiv 2206.00364, carried over to straight lines): near t = 0 the latent
    is mostly taken from x_t, near t = 1 it is all predicted. Walks end on a prediction of x0, with
    no noise left over, which matters where latents are nearly codes.
    """

    class Settings(BridgeSettings):
        """What decides a ``FlowPrior``, besides its bridge.

        Args:
            hidden: width of the network.
            num_blocks: its residual blocks.
            drop: how often training hides the embedding.
            guidance: the default of ``sample``.
            steps: the default of ``sample``.
            guided_above, guided_below: guidance acts between these times of a walk, which goes
                from 1 to 0.
            whitened: whether the network sees codes along their principal axes, each at unit
                scale. It then need not learn how the numbers of a code vary together, which it
                otherwise does for each code of a latent anew.
        """

        hidden: Count = 256
        num_blocks: Count = 4
        drop: Drop = 0.1
        guidance: Guidance = 1.5
        steps: Steps = 6
        guided_above: Share = ONCE_GUIDED["guided_above"]
        guided_below: Share = ONCE_GUIDED["guided_below"]
        whitened: bool = False

    config: Settings
    takes_classes: ClassVar[bool] = True
    supported_options: ClassVar[frozenset[str]] = Prior.supported_options | {"towards", "near"}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        num_modulations = ModulatedMLP.num_modulations(config.num_blocks)
        self.scale = LatentScale(config.num_codes, config.latent_width, config.whitened)
        self.teacher = ClassTeacher.of(config.num_classes, config.embedding_width)
        self.prompt = PromptEncoder(
            config.embedding_width, config.hidden, num_modulations, config.num_classes
        )
        self.time = TimeEncoder(config.hidden, num_modulations)
        self.enter = nn.Linear(self.latent_size, config.hidden)
        self.network = ModulatedMLP(config.hidden, self.latent_size, config.num_blocks)

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        bridge = super().suggest_settings(
            num_pairs,
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
        )
        found: dict[str, Any] = {**bridge, **GUIDED}
        if num_codes > 1 and latent_width <= WIDEST_WHITENED:
            found["whitened"] = True
        if num_pairs >= 200_000:
            return {**found, "hidden": 512}
        return found if num_pairs >= 5_000 else {**found, "hidden": 128, "num_blocks": 3}

    def settings(self) -> Mapping[str, Any]:
        found = super().settings()
        # Left out as in files from before, which so keep their fingerprints.
        before = {**ONCE_GUIDED, "whitened": False}
        return {k: v for k, v in found.items() if before.get(k) != v}

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(fit_teacher(self, embeddings), latents, texts)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        clean = self.scale(latents.to(self.device))
        num = len(clean)
        embeddings, told = taught(self, embeddings, rng)
        unit, levels = self.bridge.show(embeddings, rng)
        shown = (torch.rand(num, generator=rng) >= self.config.drop).to(clean.device)
        return self.walk_loss(clean, self.prompt(unit, levels, shown, told), rng)

    def walk_loss(self, clean: Tensor, condition: Condition, rng: torch.Generator) -> Tensor:
        """How far predictions are from standardised latents (B, K * D), at unit scale."""
        # Logit-normal times dwell on the middle of the walk, where predictions are hardest.
        times = torch.sigmoid(torch.randn(len(clean), generator=rng)).to(clean.device)
        noise = torch.randn(clean.shape, generator=rng).to(clean.device)
        x = torch.lerp(clean, noise, times[:, None])
        predicted = self.predict(x, times, condition, self.time(times))
        _, spread = _precondition(times)
        return ((predicted.float() - clean) / spread).square().mean()

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        usual = self._usual()
        against = led_from(options)
        guidance = guidance_of(options, against, usual.guidance, usual.drop)
        normal = options.normal(self.device)
        classes = as_tensor(options.classes, self.device)
        asked = Asked(self.bridge.ask(embeddings, options, normal), None, guidance, classes)
        if against is not None:
            unit = self.bridge.unit(against, "text")
            # Told to be as noisy as can be: what is near the negative prompt is unwanted as well.
            asked = asked._replace(against=(unit, unit.new_ones(len(unit))))
        steps = options.steps or usual.steps
        if options.near is not None:
            return self.scale.inverse(self._draw_near(options.near, asked, steps, normal))
        return self.scale.inverse(self._draw(asked, steps, normal))

    def _usual(self) -> Settings:
        """Whose steps and guidance are those of samples that ask for none."""
        return self.config

    @staticmethod
    def _prompt(encoder: PromptEncoder, asked: Asked) -> Guided:
        """What is sampled for, as a network reads it that has this encoder."""
        condition = encoder(*asked.seen, classes=asked.classes)
        if asked.guidance == 1:
            return Guided(condition, None, 1)
        against = asked.against
        if against is None:
            left = encoder.no_prompt(len(condition.start))
        else:
            left = encoder(*against, classes=asked.classes)
        return Guided(condition, left, asked.guidance)

    def _draw(self, asked: Asked, steps: int, normal: Numbers) -> Tensor:
        """Walk from noise to standardised latents (B, K * D)."""
        return self._walk(normal(self.latent_size), 1.0, asked, steps, normal)

    def _draw_near(self, near: Near, asked: Asked, steps: int, normal: Numbers) -> Tensor:
        """Walk from latents with noise in them: the last part of the walk, in its share of steps
        (after Meng et al. 2021, arXiv 2108.01073)."""
        clean = self.scale(near.latents.to(self.device))
        x = torch.lerp(clean, normal(self.latent_size), near.amount)
        return self._walk(x, near.amount, asked, math.ceil(steps * near.amount), normal)

    def _walk(self, x: Tensor, start: float, asked: Asked, steps: int, normal: Numbers) -> Tensor:
        """Walk from x_t (B, K * D), where t is ``start``, to standardised latents."""
        prompt = self._prompt(self.prompt, asked)
        times = torch.linspace(start, 0.0, steps + 1, device=x.device)
        modulations = self.time(times[:-1])
        plain = prompt._replace(against=None)
        least, most = self.config.guided_above, self.config.guided_below
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            guided = steps == 1 or least <= now <= most
            clean = self._guided(x, now, modulations[step], prompt if guided else plain)
            # Fresh noise instead of walking straight on (as multistep consistency sampling does,
            # Song et al. 2023, arXiv 2303.01469): an answer between two codes is asked again.
            x = torch.lerp(clean, normal(self.latent_size), after) if after else clean
        return x

    def _guided(self, x: Tensor, time: float, modulation: Tensor, prompt: Guided) -> Tensor:
        """The prediction of x0 (B, K * D) from x_t at one time, guided if there is ``against``."""
        num = len(x)
        if prompt.against is None:
            return self.predict(x, x.new_full((num,), time), prompt.condition, modulation)
        times = x.new_full((2 * num,), time)
        condition = prompt.condition.and_then(prompt.against)
        both = self.predict(torch.cat([x, x]), times, condition, modulation)
        return torch.lerp(both[num:], both[:num], prompt.guidance)

    def predict(self, x: Tensor, times: Tensor, condition: Condition, modulation: Tensor) -> Tensor:
        """The prediction of x0 (B, K * D) from x_t, its times (B,), and what times modulate."""
        return self._predict(x, times, *condition, modulation)

    @replayed
    def _predict(
        self, x: Tensor, times: Tensor, start: Tensor, prompt: Tensor, modulation: Tensor
    ) -> Tensor:
        keep, spread = _precondition(times)
        size = torch.hypot(1 - times, times)[:, None]
        out: Tensor = self.network(self.enter(x / size) + start, prompt + modulation)
        return keep * x + spread * out


def _precondition(times: Tensor) -> tuple[Tensor, Tensor]:
    """How much of x_t is in the best linear guess of x0, and how far off it is; (B, 1) each."""
    t = times[:, None]
    variance = (1 - t).square() + t.square()
    return (1 - t) / variance, t / variance.sqrt()
