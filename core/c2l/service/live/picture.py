"""The live picture: on its way to what is asked for, drawn wherever it is."""

from __future__ import annotations

import io
import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.blending import slerp
from c2l.editing.apply import latents_of
from c2l.images import to_pil
from c2l.ranges import MOST_SEED
from c2l.sampling.operations import RandomLatents, SampleLatents
from c2l.sampling.parts import refuse_nonfinite
from c2l.sampling.request import DrawRequest
from c2l.service.live.glide import Glide
from c2l.service.live.values import LiveValues
from c2l.service.notices import Tell, notices_before

if TYPE_CHECKING:
    from c2l.editing.directions import Direction
    from c2l.pipeline import Pipeline

_REMEMBERED = 16
"""Latents of seeds; a walk needs two."""

_JPEG: dict[str, Any] = {"quality": 90, "subsampling": 0}
"""Small pictures are shown large: no blocks, and colours as sharp as the rest."""

# Letters: L layers of the generator, D width of a code, N directions.


class LivePicture:
    """A picture that glides to what is asked for. One thread uses it.

    Args:
        directions: by the names under which values turn them.
        tell: called with what should be known about a prompt.
    """

    def __init__(self, pipeline: Pipeline, directions: Mapping[str, Direction], tell: Tell) -> None:
        self._pipeline = pipeline
        self._names = tuple(directions)
        self.tell = tell
        """Passes a notice on."""
        space = pipeline.generator.latent_space
        self._std = space.expand(space.std[None].to(pipeline.generator.device))[0]
        nothing = torch.zeros_like(self._std)[None]
        steps = [direction.apply(nothing)[0] for direction in directions.values()]
        self._steps = torch.stack(steps) if steps else self._std.new_zeros(0, *self._std.shape)
        self._known: OrderedDict[object, Tensor] = OrderedDict()
        self._glide: Glide | None = None
        self._cues = -1
        self._walked = 0.0
        self._told: object = None

    def move(self, values: LiveValues, seconds: float) -> bool:
        """Go on towards what is asked for.

        Args:
            seconds: since the last move.
        Returns:
            Whether the picture is there, and stays as it is until the values change.
        Raises:
            BadInput, PluginFailed: a part cannot do what is asked; the picture stays where it is.
        """
        if values.cues != self._cues:
            self._cues, self._walked = values.cues, 0.0
        self._walked += values.walk * seconds
        target = self._target(values)
        if self._glide is None:
            self._glide = Glide(target, self._scale())
        return self._glide.move(target, seconds, values.glide) and not values.walk

    @torch.no_grad()
    def draw(self) -> bytes:
        """The picture as it is now, a JPEG; ``move`` has to come first.

        Raises:
            PluginFailed
        """
        assert self._glide is not None
        latents, lengths, strengths, truncation = self._apart(self._glide.at)
        # Half of the way between two latents is shorter than both, and duller in many a generator.
        latents = normalize(latents, dim=-1) * lengths[:, None]
        latents = (latents + torch.tensordot(strengths, self._steps, dims=1))[None]
        images = self._pipeline.generator.synthesize(latents, truncation=float(truncation))
        refuse_nonfinite(self._pipeline, latents, images, lengths)
        file = io.BytesIO()
        to_pil(images[0]).save(file, "JPEG", **_JPEG)
        return file.getvalue()

    def _target(self, values: LiveValues) -> Tensor:
        """What is asked for, as the numbers that glide."""
        self._tell_about(values)
        latents = self._at(values)
        lengths = latents.norm(dim=-1)
        strengths = [values.directions.get(name, 0.0) for name in self._names]
        truncation = self._pipeline.truncation(values.truncation)
        rest = latents.new_tensor([*strengths, truncation])
        return torch.cat([latents.flatten(), lengths, rest])

    def _apart(self, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents (L, D), their lengths (L), the strengths (N) and the truncation."""
        layers, width = self._std.shape
        latents, lengths, strengths, truncation = numbers.split(
            [layers * width, layers, len(self._names), 1]
        )
        return latents.view(layers, width), lengths, strengths, truncation

    def _scale(self) -> Tensor:
        """What is a large step for each of the numbers that glide."""
        ones = self._std.new_ones(len(self._names) + 1)
        return torch.cat([self._std.flatten(), self._std.norm(dim=-1), ones]).clamp_min(1e-6)

    def _at(self, values: LiveValues) -> Tensor:
        """The latents (L, D) where the seed and the walk are."""
        whole = math.floor(values.seed)
        steps = float(values.seed - whole) + self._walked
        part = steps - math.floor(steps)
        first = (whole + math.floor(steps)) % (MOST_SEED + 1)
        start = self._of_seed(values, first)
        if not part:
            return start
        end = self._of_seed(values, (first + 1) % (MOST_SEED + 1))
        return slerp(start, end, torch.tensor(part, device=start.device))

    @torch.no_grad()
    def _of_seed(self, values: LiveValues, seed: int) -> Tensor:
        """The latents (L, D) of a seed, those of the last few remembered."""
        operation = (
            RandomLatents(seed=seed, class_label=values.class_label)
            if values.prompt is None
            else SampleLatents(
                prompt=values.prompt,
                seed=seed,
                guidance=values.guidance,
                adherence=values.adherence,
                class_label=values.class_label,
            )
        )
        key = operation.model_dump_json()
        if key not in self._known:
            self._known[key] = latents_of(self._pipeline, operation)[0].float()
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def _tell_about(self, values: LiveValues) -> None:
        """Say once what a prompt and its options are drawn without."""
        asked = values.prompt, values.guidance, values.adherence
        if values.prompt is None or asked == self._told:
            return
        self._told = asked
        how: dict[str, Any] = {"guidance": values.guidance, "adherence": values.adherence}
        request = DrawRequest(prompts=(values.prompt,), **how)
        for notice in notices_before(self._pipeline, request):
            self.tell(notice)
