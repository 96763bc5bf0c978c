"""What clients list to fill their menus. Nothing of it changes a picture; none may be empty where a
client takes its first entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAMPLER = "c2l"
"""The recipe's prior decides how to sample; other names are accepted and mean the same."""

LISTS: Mapping[str, Any] = {
    "samplers": [{"name": SAMPLER, "aliases": [], "options": {}}],
    "schedulers": [
        {
            "name": "automatic",
            "label": "Automatic",
            "aliases": None,
            "default_rho": -1.0,
            "need_inner_model": False,
        }
    ],
    "upscalers": [
        {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": 4.0}
        for name in ("None", "Lanczos")
    ],
    "latent-upscale-modes": [{"name": "Latent"}],
    "sd-vae": [],
    "loras": [],
    "hypernetworks": [],
    "face-restorers": [],
    "realesrgan-models": [],
    "prompt-styles": [],
    "script-info": [],
    "extensions": [],
    "embeddings": {"loaded": {}, "skipped": {}},
    "scripts": {"txt2img": [], "img2img": []},
    "cmd-flags": {"api": True},
}
"""The answer to ``GET /sdapi/v1/NAME``."""

DONE_WITH_NOTHING = (
    "skip",
    "refresh-checkpoints",
    "refresh-vae",
    "refresh-loras",
    "refresh-embeddings",
    "reload-checkpoint",
)
"""``POST /sdapi/v1/NAME`` is accepted: there is nothing to do."""
