"""The demo's faces behind latents in which everything is mixed.

A latent of the demo is nearly a list of attributes, one number each: any straight line edits it. An
adversarially trained network owes nobody such axes. ``Entangled`` draws the same pictures from
latents that went through a random smooth map: layers that bend half of the numbers by functions of
the other half, with random turns between them. It has an inverse, so no picture is lost, and no
direction of it is an attribute: ``measure_mixing`` says how far from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

import c2l
from c2l.evaluation import Judge
from c2l_demo.worlds import FACES
from c2l_registry import Source

NUM_LAYERS = 4
BEND = 1.5
"""How far the functions of a half move the other half, in standard deviations."""

NUM_PAIRS = 60_000
STEPS = 12_000


class Mixing(nn.Module):
    """A random invertible map of R^D: coupling layers (Dinh et al. 2014, arXiv 1410.8516)."""

    held: int
    mean: Tensor
    std: Tensor

    def __init__(self, width: int, mean: Tensor, std: Tensor, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.held = width // 2
        hidden = 64
        other = width - self.held
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())
        for layer in range(NUM_LAYERS):
            # In float64: rounded to float32 it is the same on every machine.
            turn = torch.linalg.qr(torch.randn(width, width, generator=rng).double()).Q.float()
            first = torch.randn(hidden, self.held, generator=rng) * (2.0 / self.held**0.5)
            second = torch.randn(other, hidden, generator=rng) * (BEND / hidden**0.5)
            for name, value in (("turn", turn), ("first", first), ("second", second)):
                self.register_buffer(f"{name}{layer}", value.contiguous())

    def forward(self, plain: Tensor) -> Tensor:
        x = (plain - self.mean) / self.std
        for layer in range(NUM_LAYERS):
            x = x @ self.get_buffer(f"turn{layer}").T
            a, b = x[..., : self.held], x[..., self.held :]
            x = torch.cat([a, b + self._bend(a, layer)], dim=-1)
        return x

    def inverse(self, mixed: Tensor) -> Tensor:
        x = mixed
        for layer in reversed(range(NUM_LAYERS)):
            a, b = x[..., : self.held], x[..., self.held :]
            x = torch.cat([a, b - self._bend(a, layer)], dim=-1)
            x = x @ self.get_buffer(f"turn{layer}")
        return x * self.std + self.mean

    def _bend(self, half: Tensor, layer: int) -> Tensor:
        first, second = (self.get_buffer(f"{name}{layer}") for name in ("first", "second"))
        return torch.tanh(half @ first.T) @ second.T


class Entangled(c2l.Generator):
    """The pictures of another generator, from mixed latents."""

    reference = "entangled:faces"

    def __init__(self, plain: c2l.Generator) -> None:
        super().__init__()
        space = plain.latent_space
        self.plain = plain
        self.mixing = Mixing(space.width, space.mean[0], space.std[0]).to(plain.device)
        latents = self.mixing(plain.sample_latents(range(4096))).cpu()
        self._space = c2l.LatentSpace(
            1, space.width, space.repeats, latents.mean(dim=0), latents.std(dim=0)
        )

    @classmethod
    def load(cls, source: Source) -> Self:
        return cls(c2l.load_generator("stylegan:demo-faces", device="cpu"))

    @property
    def latent_space(self) -> c2l.LatentSpace:
        return self._space

    @property
    def image_size(self) -> tuple[int, int]:
        return self.plain.image_size

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.mixing(self.plain.sample_latents(seeds))

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        layers = self._space.expand(latents, repeats)
        if truncation != 1:
            layers = torch.lerp(self._space.mean.to(layers), layers, truncation)
        return self.plain.synthesize(self.mixing.inverse(layers))


def measure_mixing(generator: Entangled, num: int = 4000) -> tuple[float, float]:
    """The variance of the plain latents' numbers that one mixed number explains, at most.

    And that all of them explain linearly: 1 would be a mere turn of the axes. Means over the plain
    numbers.
    """
    plain = generator.plain.sample_latents(range(num)).flatten(1).double()
    mixed = generator.sample_latents(range(num)).flatten(1).double()
    plain, mixed = ((x - x.mean(dim=0)) / x.std(dim=0) for x in (plain, mixed))
    alone = (plain.T @ mixed / num).square().amax(dim=1).mean()
    fitted = mixed @ torch.linalg.lstsq(mixed, plain).solution
    together = 1 - (plain - fitted).square().mean()
    return float(alone), float(together)


def exactness(generator: Entangled, judge: Judge, num: int = 600) -> None:
    """Print how often the judge is right, and what is kept when mixed latents get noise.

    Plain latents hold a code for each attribute: what a picture shows is known.
    """
    plain = generator.plain.sample_latents(range(7_000_000, 7_000_000 + num))
    sizes = [len(attribute.values) for attribute in FACES.attributes]
    codes = plain[:, 0, : sum(sizes)].split(sizes, dim=1)
    meant = {a.name: code.argmax(dim=1) for a, code in zip(FACES.attributes, codes, strict=True)}
    mixed = generator.mixing(plain)

    def seen(latents: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return judge(torch.cat([generator.synthesize(some) for some in latents.split(32)]))

    before = seen(mixed)
    shows = {name: torch.ones(num, dtype=torch.bool) for name in before}
    shows["facial_hair"] = (meant["gender"] == 1) & (meant["age"] != 0)  # a man's
    shows["hair_colour"] = meant["hair_style"] != 0  # not a bald one's
    right = {n: float((before[n] == meant[n])[shows[n]].float().mean()) for n in before}
    print("right:", ", ".join(f"{name} {share:.1%}" for name, share in right.items()))
    for amount in (0.05, 0.1, 0.15, 0.2):
        rng = torch.Generator().manual_seed(1)
        noise = amount * generator.latent_space.std * torch.randn(mixed.shape, generator=rng)
        after = seen(mixed + noise)
        kept = {name: float((after[name] == before[name]).float().mean()) for name in before}
        print(f"{amount}:", ", ".join(f"{name} {share:.1%}" for name, share in kept.items()))


def pipeline(
    folder: Path, num: int = NUM_PAIRS, steps: int = STEPS, device: str = "cpu"
) -> c2l.Pipeline:
    """The entangled faces with a prior of their own, on the CPU.

    Args:
        folder: where the prior is trained unless it is there.
        num: pairs that it is trained on.
        steps: of the training, all of which are made.
        device: that draws the pairs and trains.
    """
    path = folder / "entangled.safetensors"
    if not path.exists():
        demo = c2l.load_pipeline("demo-faces", device=device)
        generator = Entangled(demo.generator).eval().requires_grad_(False).to(device)
        pairs = c2l.build_pairs(generator, demo.embedder, num, folder / "pairs")
        c2l.train_prior(
            "flow", pairs, path, generator=generator, embedder=demo.embedder, steps=steps,
            patience=steps, domain="faces", student=False, half=True, device=device,
        )  # fmt: skip
    demo = c2l.load_pipeline("demo-faces", device="cpu")
    generator = Entangled(demo.generator).eval().requires_grad_(False)
    return c2l.Pipeline(generator, demo.embedder, c2l.load_prior(str(path), device="cpu"))
