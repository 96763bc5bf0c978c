"""Files of directions."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from c2l.editing.directions.direction import METADATA, Direction, DirectionCard
from c2l.errors import BadWeights, IncompatibleParts
from c2l.files import at_home
from c2l.generator import Generator
from c2l.kept_directions import place_of

_HINT = "Give a .safetensors file that 'c2l edit direction' or `Direction.save` wrote"


def is_direction_file(path: Path) -> bool:
    """Whether ``path`` is a safetensors file with a direction's card, whatever its suffix."""
    try:
        with safe_open(path, framework="pt") as file:
            return METADATA in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def read_direction(path: Path) -> Direction:
    """Read a direction, of whichever generator.

    Raises:
        BadWeights: the file is truncated, or holds no direction.
    """
    if path.is_dir():
        raise BadWeights(f"{path} is a folder", hint=_HINT)
    try:
        with safe_open(path, framework="pt") as file:
            card = DirectionCard.from_json((file.metadata() or {})[METADATA])
            step = file.get_tensor("step").float()
    except FileNotFoundError:
        raise BadWeights(f"there is no file {path}", hint="Check the path") from None
    except (SafetensorError, OSError) as error:
        raise BadWeights(
            f"{path} is not a readable safetensors file: {error}", hint=_HINT
        ) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadWeights(f"{path} holds no direction", hint=_HINT) from error
    if step.ndim != 2 or not step.numel() or not torch.isfinite(step).all():
        raise BadWeights(
            f"{path} holds a direction of an impossible shape, {tuple(step.shape)}", hint=_HINT
        )
    return Direction(step, card)


def load_direction(path: Path | str, generator: Generator) -> Direction:
    """Read a direction that moves the latents of a generator.

    Args:
        path: a file; or ``direction:NAME``, one that is kept here or that a plugin offers.
    Raises:
        BadWeights: the file is truncated, or holds no direction.
        IncompatibleParts: it moves the latents of another generator.
        UnknownReference: there is none of this name.
        NotDownloaded: it is on the card of a plugin, and was not fetched yet.
    """
    direction = read_direction(at_home(place_of(path)))
    check_generator(direction, generator, str(path))
    return direction


def check_generator(direction: Direction, generator: Generator, where: str) -> None:
    """Raises ``IncompatibleParts`` unless a direction moves the latents of a generator."""
    theirs = direction.card.generator
    if theirs.fingerprint != generator.fingerprint():
        name = theirs.reference or "another generator"
        weights = f", with other weights than {name} has now" if name == generator.reference else ""
        raise IncompatibleParts(
            f"{where} moves latents of {name}{weights}, and not of "
            f"{generator.reference or 'this generator'}",
            hint="Make it anew from the same prompts",
            field="direction",
        )
