"""Directions: moves of latents that change one thing.

From two prompts, from two groups of latents, from the latent space itself, or from a file; and the
move that makes one picture show one more thing.
"""

from c2l.editing.directions.adhering import Adhered, adhere
from c2l.editing.directions.components import from_component
from c2l.editing.directions.direction import Direction, DirectionCard
from c2l.editing.directions.files import is_direction_file, load_direction, read_direction
from c2l.editing.directions.groups import from_groups
from c2l.editing.directions.prompts import from_prompts

__all__ = [
    "Adhered",
    "Direction",
    "DirectionCard",
    "adhere",
    "from_component",
    "from_groups",
    "from_prompts",
    "is_direction_file",
    "load_direction",
    "read_direction",
]
