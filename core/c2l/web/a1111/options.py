"""The options of the server that clients read and set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from c2l.web.compat.recipes import chosen_recipe
from c2l.web.offer import Offer

CHECKPOINT = "sd_model_checkpoint"
HEED = "c2l_use_cfg_and_steps"
"""Whether ``cfg_scale`` and ``steps`` are taken as guidance and steps."""


class Options:
    """The recipe that draws for those who name none, and whether their numbers are heeded.

    As in the web UI, they belong to the server and not to a client.
    """

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self.recipe = offer.default
        self.heed = False

    def told(self) -> dict[str, Any]:
        """As clients read them; some send all of them back."""
        return {
            CHECKPOINT: self.recipe,
            "sd_checkpoint_hash": "",
            "sd_vae": "None",
            "CLIP_stop_at_last_layers": 1,
            "samples_format": "png",
            HEED: self.heed,
        }

    def set(self, given: Mapping[str, Any]) -> None:
        """Take what is known of options that were sent. Raises ``ApiError``: 404, no such model."""
        if CHECKPOINT in given:
            self.recipe = self.recipe_of(given)
        if isinstance(given.get(HEED), bool):
            self.heed = given[HEED]

    def recipe_of(self, given: Mapping[str, Any]) -> str:
        """The recipe that draws with some options. Raises ``ApiError``: 404, no such model."""
        name = given.get(CHECKPOINT)
        if isinstance(name, str):
            name = name.partition(" [")[0]  # some add the hash
        return chosen_recipe(name, self._offer, self.recipe).recipe

    def heeds(self, given: Mapping[str, Any]) -> bool:
        """Whether numbers are heeded with some options."""
        return bool(given.get(HEED, self.heed))
