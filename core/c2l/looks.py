"""What the guard looks at in the first answer of each method; see ``c2l.guard``.

Each look takes the part, the answer and the first argument, and returns what is wrong with the
answer: the end of a sentence that begins with the method's name. An empty text if nothing is.
Parts are taken for what they say of themselves, so these functions need none of their classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from c2l_registry.wording import a_type_of

WIDEST = 50.0
"""An untrained network overshoots [-1, 1] many times; values of 0 to 255 are another mistake."""

PROBES = 8
"""Pictures of other seeds that are drawn where the first ones hold no dark pixel at all."""


def look_at_settings(part: Any, settings: Any, given: Any) -> str:
    """A table that JSON can hold: it goes into fingerprints and files."""
    if not isinstance(settings, Mapping):
        return f"gives {a_type_of(settings)}, not a table"
    try:
        json.dumps(dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"gives what JSON cannot hold: {error}"
    return ""


def look_at_image_size(generator: Any, size: Any, given: Any) -> str:
    """Height and width, positive whole numbers."""
    try:
        height, width = size
        fine = isinstance(height, int) and isinstance(width, int) and min(height, width) > 0
    except (TypeError, ValueError):
        fine = False
    return "" if fine else f"is {size!r}, not a height and a width in pixels"


def look_at_latent_space(generator: Any, space: Any, given: Any) -> str:
    """Its numbers agree with each other, and its statistics have their shapes."""
    try:
        shape, repeats = (space.num_codes, space.width), tuple(space.repeats)
        statistics = {"mean": space.mean, "std": space.std}
    except (AttributeError, TypeError):
        return f"is {a_type_of(space)}, not a c2l.LatentSpace"
    if len(repeats) != space.num_codes or not all(isinstance(n, int) and n > 0 for n in repeats):
        return f"has repeats {repeats}, not one positive number for each of {shape[0]} codes"
    for name, statistic in statistics.items():
        if wrong := wrong_tensor(generator, statistic, shape):
            return f"has as its {name} {wrong}"
    return "has a negative `std`" if bool((space.std < 0).any()) else ""


def look_at_drawn_latents(generator: Any, latents: Any, seeds: Any) -> str:
    """Latents of the generator's own space, one for each seed."""
    space = generator.latent_space
    return _look(generator, latents, (len(seeds), space.num_codes, space.width))


def look_at_found_classes(generator: Any, classes: Any, latents: Any) -> str:
    """Numbers of its classes, one for each latent."""
    if not isinstance(classes, Tensor) or tuple(classes.shape) != (len(latents),):
        return f"gives {a_type_of(classes)}, not a tensor of shape ({len(latents)},)"
    if classes.dtype != torch.int64:
        return f"gives {str(classes.dtype).removeprefix('torch.')}, not int64"
    inside = (classes >= 0) & (classes < generator.classes.num)
    return "" if bool(inside.all()) else "gives numbers of classes that there are not"


def look_at_moved_latents(generator: Any, moved: Any, latents: Any) -> str:
    """Latents of the shape that was given."""
    return _look(generator, moved, tuple(latents.shape), latents)


def look_at_pictures(generator: Any, images: Any, latents: Any) -> str:
    """RGB pictures of the promised size, one for each latent, around zero."""
    wrong = _look(generator, images, (len(latents), 3, *generator.image_size), latents)
    if wrong or not images.numel():
        return wrong
    lowest, highest = float(images.min()) + 0.0, float(images.max()) + 0.0  # no -0
    if max(-lowest, highest) > WIDEST:
        return f"gives pixels from {lowest:.3g} to {highest:.3g}; they should run from -1 to 1"
    if lowest >= 0 and _is_never_dark(generator):
        return (
            f"gives pixels from {lowest:.3g} to {highest:.3g}, and none below 0 for {PROBES} other "
            "seeds; they should run from -1 to 1"
        )
    return ""


def look_at_width(embedder: Any, width: Any, given: Any) -> str:
    """A positive whole number."""
    fine = isinstance(width, int) and width > 0
    return "" if fine else f"is {width!r}, not the width of an embedding"


def look_at_embeddings(embedder: Any, embeddings: Any, given: Any) -> str:
    """One for each text or picture, and none of length zero, which has no direction."""
    wrong = _look(embedder, embeddings, (len(given), embedder.width), given)
    if wrong or not embeddings.numel():
        return wrong
    zero = ~embeddings.any(dim=1)
    return f"gives an embedding of zeros in row {int(zero.int().argmax())}" if zero.any() else ""


def look_at_reading(embedder: Any, reading: Any, given: Any) -> str:
    """What of a prompt is not read."""
    fine = isinstance(getattr(reading, "cut", None), str) and hasattr(reading, "unknown")
    return "" if fine else f"gives {a_type_of(reading)}, not a c2l.TextReading"


def look_at_sampled_latents(prior: Any, latents: Any, embeddings: Any) -> str:
    """Latents of the widths that the prior was built for, one for each embedding."""
    config = prior.config
    shape = (len(embeddings), config.num_codes, config.latent_width)
    return _look(prior, latents, shape, embeddings)


def look_at_loss(prior: Any, loss: Any, embeddings: Any) -> str:
    """One finite number, from which a gradient leads to the weights."""
    if not isinstance(loss, Tensor):
        return f"gives {a_type_of(loss)}, not a tensor"
    if loss.ndim:
        return f"gives a loss of shape {tuple(loss.shape)}, not a scalar"
    if not torch.isfinite(loss):
        return f"gives a loss of {float(loss.detach())}"
    if prior.training and not loss.requires_grad:
        return "gives a loss without a gradient"
    return ""


def _look(part: Any, tensor: Any, shape: tuple[int, ...], given: Any = None) -> str:
    """What keeps an answer from being a finite float32 tensor of this shape, where the part is.

    Args:
        given: what was asked about; a part without weights may as well answer where that is.
    """
    wrong = wrong_tensor(part, tensor, shape, given)
    return f"gives {wrong}" if wrong else ""


def wrong_tensor(part: Any, tensor: Any, shape: tuple[int, ...], given: Any = None) -> str:
    """What it is instead; empty if it is one."""
    if not isinstance(tensor, Tensor):
        return f"{a_type_of(tensor)}, not a tensor"
    if tuple(tensor.shape) != shape:
        return f"a tensor of shape {tuple(tensor.shape)}, not {shape}"
    if tensor.dtype != torch.float32:
        return f"{str(tensor.dtype).removeprefix('torch.')}, not float32"
    places = {place.device.type for place in (part, given) if hasattr(place, "device")}
    if tensor.device.type not in places:
        return f"a tensor on {tensor.device}, while the part is on {part.device}"
    if not bool(torch.isfinite(tensor).all()):
        return "NaN or infinity"
    return ""


def _is_never_dark(generator: Any) -> bool:
    """Whether no picture of some other seeds has a pixel below 0; they are drawn one by one."""
    with torch.no_grad():
        return all(
            bool((generator.synthesize(generator.sample_latents([seed])) >= 0).all())
            for seed in range(PROBES)
        )
