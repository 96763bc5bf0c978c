"""Any network from latents to pictures as a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Literal, NoReturn, Self

import torch
from torch import Tensor

from c2l.errors import BadInput, UnknownReference
from c2l.generator import Generator, LatentSpace
from c2l.guard import blaming, failure
from c2l.seeds import draw_normal
from c2l.trial import try_generator
from c2l.wrapping.answers import ask, the_tensor
from c2l.wrapping.held import Held
from c2l.wrapping.making import check_callable, finished, own_class
from c2l.wrapping.naming import name_of
from c2l_registry import Source
from c2l_registry.wording import a_type_of

Distribution = Literal["normal", "uniform"] | Callable[[int], Tensor]

_HINT = "Say with `latent` what it takes, or wrap a function of latents alone"

_MEASURED = 1024
"""Latents of a callable distribution whose mean and deviation are measured."""

_PICTURES = 8
_MOST_OUTSIDE = 0.25
"""Of all pixels, the share that may lie beyond black and white by more than the slack."""
_SLACK = 0.1
"""Of the range: networks without a last tanh overshoot."""
_RANGES = ((0, 1), (-1, 1), (0, 255))


def wrap(
    network: Callable[[Tensor], Any],
    *,
    latent: int | Sequence[int] = (1, 128),
    size: int | tuple[int, int] | None = None,
    distribution: Distribution = "normal",
    value_range: tuple[float, float] = (-1, 1),
) -> Generator:
    """A generator of anything that turns latents into pictures.

        generator = c2l.wrap(MyGAN(), latent=100)
        generator = c2l.wrap(lambda z: gan(z, labels=None)[0], latent=(512, 1, 1))

    A few pictures are drawn at once to check it: a latent must give the same picture in any batch.

    The networks in it, wherever the callable keeps them, are not copied: they are put into eval
    mode and frozen, and move with the generator's ``.to(device)``. Wrap ``copy.deepcopy(network)``
    to go on training yours. Its fingerprint covers their weights, the tensors, numbers and
    functions that the callable uses, its own code, and the arguments here. A module's class counts
    by its name and its plain attributes; the code of its methods does not.

    Args:
        network: a module, function or method. It takes latents as ``latent`` says, and gives one
            batch of pictures, grey or RGB: (B, 3, H, W), (B, 1, H, W) or (B, H, W), by itself or as
            the only such tensor in a tuple, table or object. Noise and class labels must be fixed
            inside: wrap a function of latents alone.
        latent: what the network takes: a number D for (B, D); K codes of width D as (K, D), where
            (1, D) is the same as D; or (C, H, W) for latents with a height and a width.
        size: height and width that the pictures must have, or one number for both; None for
            whatever they have.
        distribution: of the latents: ``normal``, ``uniform`` from -1 to 1, or a function of a seed
            that gives one latent of this shape.
        value_range: the network's values for black and for white, as in (0, 1) or (0, 255).
    Raises:
        BadInput: an argument cannot be used, or the pictures are not as it says.
        PluginFailed: the network fails, gives NaN, or draws a latent otherwise in another batch or
            when it is asked again.
    """
    check_callable(network, "network")
    shape = _checked_shape(latent)
    lowest, highest = _checked_range(value_range)
    if not callable(distribution) and distribution not in ("normal", "uniform"):
        raise BadInput(
            f"`distribution={distribution!r}` is unknown",
            hint='Use "normal", "uniform" or a function of a seed',
            field="distribution",
        )
    cls = own_class(WrappedGenerator, network)
    draw = {"distribution": distribution} if callable(distribution) else {}
    held = Held(network=network, **draw)
    expected = None if size is None else _checked_size(size)
    generator = cls(network, held, shape, distribution, (lowest, highest))
    finished(generator, held)
    with blaming(cls, "synthesize"):
        generator.measure(expected)
    try_generator(generator)
    return generator


class WrappedGenerator(Generator):
    """What ``wrap`` makes."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: Callable[[Tensor], Any],
        held: Held,
        shape: tuple[int, ...],
        distribution: Distribution,
        value_range: tuple[float, float],
    ) -> None:
        super().__init__()
        self.held = held
        self._given = (network, distribution)  # in a tuple, where torch takes it for no submodule
        self._shape, self._range = shape, value_range
        self._size = (0, 0)  # until it is measured
        # A single code has no axis of its own in the network.
        self._codes = (shape[0], shape[1]) if len(shape) == 2 else (1, prod(shape))
        floats = [t for t in (*held.parameters(), *held.buffers()) if t.is_floating_point()]
        self._dtype = floats[0].dtype if floats else torch.float32
        mean, std = self._statistics()
        place = floats[0].device if floats else torch.device("cpu")
        self.register_buffer("mean", mean.to(place), persistent=False)
        self.register_buffer("std", std.to(place), persistent=False)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Never called: nothing is loaded by a reference to what is wrapped."""
        raise UnknownReference(f"{source.reference} lives in the program that wraps it")

    def settings(self) -> Mapping[str, Any]:
        network, distribution = self._given
        return {
            "wraps": name_of(network),
            "code": self.held.code,
            "latent": list(self._shape),
            "size": list(self._size),
            "distribution": name_of(distribution) if callable(distribution) else distribution,
            "value_range": list(self._range),
        }

    @property
    def latent_space(self) -> LatentSpace:
        num_codes, width = self._codes
        return LatentSpace(num_codes, width, (1,) * num_codes, self.mean, self.std)

    @property
    def image_size(self) -> tuple[int, int]:
        return self._size

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self._drawn(seeds).to(self.mean.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        latents = latents.to(self.mean.device, torch.float32)
        codes = self.latent_space.expand(latents, repeats)
        if truncation != 1:
            codes = torch.lerp(self.mean, codes, truncation)
        lowest, highest = self._range
        return (self._raw(codes) - lowest) * (2 / (highest - lowest)) - 1

    @torch.no_grad()
    def measure(self, expected: tuple[int, int] | None) -> None:
        """Draw pictures for their size.

        Raises:
            BadInput: it is not the expected one, or they do not use the range that they are said
                to have.
        """
        pixels = self._raw(self.sample_latents(range(_PICTURES)))
        height, width = self._size = (pixels.shape[2], pixels.shape[3])
        if expected not in (None, self._size):
            raise BadInput(
                f"{self.reference} draws pictures {height} px high and {width} px wide, not as "
                f"`size={expected}` says",
                hint="Leave out `size`, or correct it",
                field="size",
            )
        if not _suits(pixels, *self._range):
            low, high = float(pixels.min()), float(pixels.max())
            raise BadInput(
                f"{self.reference} gives pixels from {low:.3g} to {high:.3g}, which does not suit "
                f"`value_range={self._range}`",
                hint=_range_hint(pixels),
                field="value_range",
            )

    def _raw(self, codes: Tensor) -> Tensor:
        """What the network gives for codes (B, K, D), as RGB: (B, 3, H, W), float32."""
        network, _ = self._given
        given = codes.reshape(len(codes), *self._shape).to(self._dtype)
        answer = ask(type(self), "synthesize", network, given, _HINT)
        images = the_tensor(type(self), "synthesize", answer, (3, 4)).to(self.mean.device)
        images = images[:, None] if images.ndim == 3 else images
        num, channels = images.shape[:2]
        if num != len(codes):
            self._fail(f"gives {num} pictures of {len(codes)} latents")
        if channels not in (1, 3):
            last = images.shape[3] in (1, 3)
            self._fail(
                f"gives pictures of shape {tuple(images.shape[1:])}, neither RGB nor grey",
                "Wrap a function that "
                + ("permutes them to channels first" if last else "keeps three channels, or one"),
            )
        return images.float().expand(-1, 3, -1, -1)

    def _drawn(self, seeds: Sequence[int]) -> Tensor:
        """Latents (B, K, D) on the CPU, or where the distribution gives them."""
        _, distribution = self._given
        num_codes, width = self._codes
        if not callable(distribution):
            rows = draw_normal(seeds, num_codes * width)
            if distribution == "uniform":  # by the normal distribution's own function
                rows = torch.erf(rows * 0.5**0.5)
            return rows.reshape(-1, num_codes, width)
        if not seeds:
            return torch.empty(0, num_codes, width)
        with torch.no_grad():
            return torch.stack([self._one(distribution(seed)) for seed in seeds])

    def _one(self, latent: Any) -> Tensor:
        if not isinstance(latent, Tensor) or latent.numel() != prod(self._codes):
            shape = tuple(getattr(latent, "shape", ()))
            raise BadInput(
                f"`distribution` gives {a_type_of(latent)} of shape {shape}, not one latent "
                f"of shape {self._shape}",
                hint="It takes a seed and gives one latent",
                field="distribution",
            )
        return latent.float().reshape(self._codes)

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents, (K, D)."""
        _, distribution = self._given
        if callable(distribution):
            drawn = self._drawn(range(_MEASURED))
            return drawn.mean(dim=0), drawn.std(dim=0)
        deviation = 1.0 if distribution == "normal" else 3**-0.5
        return torch.zeros(self._codes), torch.full(self._codes, deviation)

    def _fail(self, what: str, hint: str = "") -> NoReturn:
        raise failure(type(self), "synthesize", what, hint=hint)


def _checked_shape(latent: int | Sequence[int]) -> tuple[int, ...]:
    """What the network takes of each latent: (D,), (K, D) with K above 1, or (C, H, W)."""
    shape = (latent,) if isinstance(latent, int) else tuple(latent)
    if not 1 <= len(shape) <= 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise BadInput(
            f"`latent={latent!r}` is not the shape of a latent",
            hint="Give a width as in 128, codes and their width as in (4, 128), or channels, "
            "height and width as in (128, 1, 1)",
            field="latent",
        )
    return shape[1:] if len(shape) == 2 and shape[0] == 1 else shape


def _checked_size(size: int | Sequence[int]) -> tuple[int, int]:
    try:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) > 0 and int(height) == height and int(width) == width:
            return int(height), int(width)
    except (TypeError, ValueError):
        pass
    raise BadInput(
        f"`size={size!r}` is not a height and a width", hint="Write it as in (64, 64)", field="size"
    )


def _suits(pixels: Tensor, black: float, white: float) -> bool:
    """Whether pixels use a range: they fill some of it, are not all light, and few lie outside."""
    low, high = float(pixels.min()), float(pixels.max())
    slack = _SLACK * (white - black)
    outside = float(((pixels < black - slack) | (pixels > white + slack)).float().mean())
    # Of NaN, which compares as false, the trial says more.
    return not (outside > _MOST_OUTSIDE or high - low < slack / 5 or low >= (black + white) / 2)


def _range_hint(pixels: Tensor) -> str:
    for common in _RANGES:
        if _suits(pixels, *common):
            return f"Say what its black and its white are, as in `value_range={common}`"
    return "Give a trained network, and say with `value_range` what its black and its white are"


def _checked_range(value_range: Sequence[float]) -> tuple[float, float]:
    try:
        lowest, highest = map(float, value_range)
        if lowest < highest < float("inf") and lowest > float("-inf"):
            return lowest, highest
    except (TypeError, ValueError):
        pass
    raise BadInput(
        f"`value_range={value_range!r}` is not a lowest and a highest value",
        hint="Write it as in (-1, 1), (0, 1) or (0, 255)",
        field="value_range",
    )
