"""A direction, and what is known about it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import safetensors.torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.files import at_home, write_atomically
from c2l.prior_file import PartCard
from c2l.sampling.operations import Direct, GivenLatents, Operation
from c2l.sampling.parts import Parts
from c2l.version import __version__

SCHEMA = "c2l-direction/1"
METADATA = "c2l_direction"
"""The key of a file's metadata that holds the card."""


@dataclass(frozen=True)
class DirectionCard:
    """Everything about a direction but its numbers.

    Args:
        name: in one line, as in ``a face -> a smiling face``.
        made: how: ``by``, and what it was made from.
        measures: ``seen``, how far strength 1 moves the pictures' unit embeddings along what tells
            the two kinds of pictures apart; ``wanted``, how far apart they are; ``length``, of the
            move, in standard deviations of the latents.
        generator: whose latents it moves.
    """

    name: str
    made: Mapping[str, Any]
    measures: Mapping[str, float]
    generator: PartCard
    repeats: tuple[int, ...] | None = None
    version: str = field(default=__version__)

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` on anything but a card."""
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("unknown schema")
        raw["generator"] = PartCard(**raw["generator"])
        raw["repeats"] = tuple(raw["repeats"]) if raw["repeats"] is not None else None
        return cls(**raw)


@dataclass(frozen=True, eq=False)
class Direction:
    """A move of latents that changes one thing.

    Args:
        step: what strength 1 adds, float32, (K, D). Strength 1 makes a picture that does not show
            the thing show it as pictures of it do, whatever the direction was made from.
        card: where it comes from.
    """

    step: Tensor
    card: DirectionCard

    def apply(self, latents: Tensor, strength: float = 1.0) -> Tensor:
        """Latents (B, K, D), moved; gradients reach them.

        Where they have fewer codes than the direction, the result has as many as the direction.

        Raises:
            BadInput: latents of another shape.
        """
        step = self.step.to(latents.device)
        if latents.ndim != 3 or latents.shape[2] != step.shape[1]:
            raise BadInput(
                f"this direction moves latents (B, K, {step.shape[1]}), not {tuple(latents.shape)}",
                field="latents",
            )
        if latents.shape[1] != len(step) and min(latents.shape[1], len(step)) > 1:
            if self.card.repeats is None or sum(self.card.repeats) != latents.shape[1]:
                raise BadInput(
                    f"a direction of {len(step)} codes does not move latents of {latents.shape[1]}",
                    field="latents",
                )
            step = step.repeat_interleave(step.new_tensor(self.card.repeats).long(), dim=0)
        return latents + strength * step

    def of(self, base: Operation, strength: float = 1.0) -> Direct:
        """The operation that moves what another operation makes."""
        return Direct(base=base, along=self.along, name=self.card.name, strength=strength)

    @property
    def along(self) -> GivenLatents:
        """Its numbers as data."""
        return GivenLatents.of(self.step, self.card.repeats)

    def save(self, path: Path | str) -> Path:
        """Write a ``.safetensors`` file with the card inside, as small as the numbers are.

        Raises:
            NotWritable: the folder cannot be written.
        """
        path = at_home(Path(path))
        tensors = {"step": self.step.detach().cpu().float().contiguous()}
        data = safetensors.torch.save(tensors, metadata={METADATA: self.card.to_json()})
        write_atomically(path, data)
        return path

    def __repr__(self) -> str:
        return f"Direction({self.card.name!r}, {len(self.step)} x {self.step.shape[1]})"


def made_direction(
    parts: Parts,
    step: Tensor,
    name: str,
    made: Mapping[str, Any],
    measures: Mapping[str, float],
) -> Direction:
    """A direction of a pipeline's generator, as short as it can be stored.

    Args:
        step: (L, D), a row for each layer.
    """
    space = parts.generator.latent_space
    std = space.expand(space.std[None].to(step.device))[0].clamp_min(1e-6)
    length = float((step / std).square().mean(dim=0).sum().sqrt())
    repeats: tuple[int, ...] | None = None
    if bool(((step - step[:1]).abs() <= 1e-5 * step.abs().max()).all()):  # means round by layer
        step, repeats = step[:1], (len(step),)
    card = DirectionCard(
        name=name,
        made=dict(made),
        measures={k: round(v, 4) for k, v in {**measures, "length": length}.items()},
        generator=PartCard.of(parts.generator),
        repeats=repeats,
    )
    return Direction(step.detach().cpu().float(), card)
