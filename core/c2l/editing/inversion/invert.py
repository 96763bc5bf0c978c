"""A photo's latents: gradient descent from the prior's answer, first in w, then in w+.

StyleGAN2's projector (Karras et al. 2020, arXiv 1912.04958) starts from the mean picture and needs
a long, noisy search. The prior's answer is already near, so plain descent is enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from c2l.adam import Adam
from c2l.editing.inversion.distance import Distance
from c2l.editing.inversion.start import first_latents
from c2l.editing.through_prior import prior_repeats
from c2l.errors import BadInput
from c2l.guard import blaming
from c2l.interrupt import HeldInterrupt
from c2l.photos import Fitted
from c2l.sampling.parts import Parts

Space = Literal["w", "w+"]
"""What is found: one latent as the prior gives them, or a code for each layer of the generator."""

STEPS = 200
MOST_STEPS = 100_000

STEP_SIZE = 0.08
"""Of Adam at its height, in standard deviations of a latent dimension."""

RISE, FALL = 0.05, 0.5
"""The parts of the steps in which the step size rises and falls."""

SEEN = 0.15
"""The weight of what the embedder sees, beside the distance of pictures."""

PULL = 0.002
"""The penalty for moving one standard deviation away from the prior's answer."""

FIRST_IN_W = 0.25
"""The part of the steps that w+ spends in w, where few numbers find the way quickly."""

_TIMED = 3
"""Steps after which the time of all is said; the first ones are slower than the others."""


@dataclass(frozen=True, eq=False)
class Inversion:
    """The latents of a photo.

    Args:
        latents: float32, (K, D): the prior's codes in w, a code for each layer in w+.
        start: what descent began with, the prior's best answer, in the same form.
        repeats: layers that each of the K codes feeds.
        distance: of their picture from the photo, as ``Distance`` measures it.
        first_distance: that of the prior's best answer, before any step.
        num_steps: steps that were made; fewer than were asked for after Ctrl-C.
        complete: whether these are all of them.
        seconds: how long it took.
    """

    latents: Tensor
    start: Tensor
    repeats: tuple[int, ...]
    distance: float
    first_distance: float
    num_steps: int
    complete: bool
    seconds: float


OnStep = Callable[[int, int, float], None]
"""Called after each step with the number done, their total, and the smallest distance so far."""


def invert(
    parts: Parts,
    photo: Fitted,
    *,
    space: Space = "w+",
    steps: int = STEPS,
    seed: int = 0,
    on_step: OnStep = lambda done, total, distance: None,
    on_estimate: Callable[[float], None] = lambda seconds: None,
) -> Inversion:
    """Find latents whose picture is a photo, or as near as the generator comes.

    Ctrl-C ends it after the step that is being made.

    Args:
        photo: in the shape of the generator's pictures.
        space: see ``Space``.
        steps: of gradient descent; 0 takes the nearest of the prior's answers.
        seed: of the prior's answers.
        on_estimate: called once, with the seconds that all steps will take, after the first few.
    Raises:
        BadInput: the generator has no gradient, or a value is out of range.
    """
    if space not in get_args(Space):
        raise BadInput(f"`space={space}` is neither w nor w+", hint="Use `space=w+`", field="space")
    if not 0 <= steps <= MOST_STEPS:
        raise BadInput(
            f"`steps={steps}` is not between 0 and {MOST_STEPS:,}", hint=f"Use `steps={STEPS}`",
            field="steps",
        )  # fmt: skip
    if steps and not parts.generator.differentiable:
        raise _without_gradient(parts)
    begun = time.perf_counter()
    # The caller may be in inference mode, whose tensors cannot carry gradients: copies can.
    with torch.inference_mode(False), HeldInterrupt() as stop:
        search = _Search(parts, photo, space, steps, seed)
        while search.done < steps and not stop.asked:
            search.step()
            if search.done == 1:
                after_one = time.perf_counter()
            if search.done == min(_TIMED, steps):
                each = (time.perf_counter() - after_one) / max(1, search.done - 1)
                on_estimate(after_one - begun + each * (steps - 1))
            on_step(search.done, steps, search.best)
    return search.found(time.perf_counter() - begun)


class _Search:
    """Gradient descent, with the best latents it has come by."""

    def __init__(self, parts: Parts, photo: Fitted, space: Space, steps: int, seed: int) -> None:
        generator, embedder = parts.generator, parts.embedder
        self._parts = parts
        self._distance = Distance(photo, generator.device)
        with torch.no_grad():
            self._goal = embedder.embed_images(photo.pixels).clone()
        layers, (first, *_) = first_latents(parts, self._goal, self._distance, seed=seed)
        own = generator.latent_space
        self._repeats = prior_repeats(parts)
        self._space = own
        self._num_layers = own.num_layers
        starts = torch.tensor([0, *self._repeats[:-1]]).cumsum(0)
        self._start = layers[:, starts].clone()  # its layers are alike where a code feeds several
        self._std = own.std.mean(dim=0, keepdim=True).clone().to(generator.device)
        self._in_w = steps if space == "w" else math.ceil(FIRST_IN_W * steps)
        self._wide = space == "w+"
        self._steps, self.done = steps, 0
        self.best = self._first = float(first)
        self._best = self._first_layers = layers
        self._begin(torch.zeros_like(self._start))

    def step(self) -> None:
        """One step of Adam."""
        if self.done == self._in_w:
            self._widen()
        for group in self._adam.param_groups:
            group["lr"] = STEP_SIZE * _ramp(self.done / self._steps)
        latents = self._start + self._std * self._offset
        generator, embedder = self._parts.generator, self._parts.embedder
        with torch.enable_grad():
            images = generator.synthesize(latents, repeats=self._repeats)
            distance = self._distance(images)
            if not distance.requires_grad:
                raise _without_gradient(self._parts)
            loss = distance + PULL * self._offset.square().mean(dim=(1, 2))
            if embedder.differentiable:
                seen = F.cosine_similarity(embedder.embed_images(images), self._goal)
                loss = loss + SEEN * (1 - seen.to(loss.device))
            self._adam.zero_grad()
            with (
                blaming(type(generator), "synthesize"),
                blaming(type(embedder), "embed_images"),
            ):
                loss.sum().backward()
        self._keep(latents, float(distance.detach()))
        self._adam.step()
        self.done += 1

    def found(self, seconds: float) -> Inversion:
        """The best so far."""
        repeats = self._repeats
        starts = torch.tensor([0, *repeats[:-1]]).cumsum(0)
        latents, start = (x[0, starts].detach().clone() for x in (self._best, self._first_layers))
        complete = self.done == self._steps
        return Inversion(
            latents, start, repeats, self.best, self._first, self.done, complete, seconds
        )

    def _begin(self, offset: Tensor) -> None:
        self._offset = offset.clone().requires_grad_()
        self._adam = Adam([self._offset], lr=STEP_SIZE, betas=(0.9, 0.99))

    def _widen(self) -> None:
        """From w to w+: from now on, every layer goes its own way."""
        narrow = self._start, self._offset.detach()
        self._start, offset = (self._space.expand(x, self._repeats) for x in narrow)
        self._repeats = (1,) * self._num_layers
        self._begin(offset)

    def _keep(self, latents: Tensor, distance: float) -> None:
        if distance < self.best:
            self.best = distance
            self._best = self._space.expand(latents.detach(), self._repeats)


def _ramp(done: float) -> float:
    """The step size at a part of all steps: it rises, stays, and falls."""
    fall = (1 - math.cos(math.pi * min(1.0, (1 - done) / FALL))) / 2
    return fall * min(1.0, done / RISE + 0.1)


def _without_gradient(parts: Parts) -> BadInput:
    return BadInput(
        f"{parts.generator.reference or 'the generator'} has no gradient to follow",
        hint="Use `steps=0` for the nearest of the prior's answers",
        field="steps",
    )
