"""What OpenCLIP's own training leaves beside its epochs: ``params.txt``, its arguments.

A run is a folder with ``params.txt`` and ``checkpoints/epoch_K.pt``. Which architecture that is and
how its pictures were prepared follows from the arguments, as ``open_clip.create_model`` reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c2l.errors import BadWeights
from c2l_openclip.foreign import OPENAI
from c2l_openclip.offline import is_offline

PARAMS = "params.txt"
_LONGEST = 1 << 16
"""Bytes; a training has some hundred arguments."""

_PREPARED = {
    "mean": "image_mean",
    "std": "image_std",
    "interpolation": "image_interpolation",
    "resize_mode": "image_resize_mode",
}
_FORCED = {
    "force_image_size": ("vision_cfg", "image_size"),
    "force_patch_dropout": ("vision_cfg", "patch_dropout"),
    "force_context_length": ("text_cfg", "context_length"),
}


def params_of(path: Path) -> Path | None:
    """The arguments of the training that a folder or an epoch is of, where there are any."""
    folder = path if path.is_dir() else path.parent
    beside = (folder / PARAMS, folder.parent / PARAMS)
    found = next((file for file in beside if file.is_file()), None)
    return found if found is not None and "model" in _read(found) else None


def read_run(params: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Architecture, ``model_cfg`` and ``preprocess_cfg`` of a training.

    Raises:
        BadWeights: open_clip knows no such architecture.
    """
    is_offline()  # before open_clip imports Hugging Face's code
    import open_clip

    told = _read(params)
    arch = str(told["model"]).replace("/", "-")
    config = open_clip.get_model_config(arch)
    if config is None:
        raise BadWeights(
            f"{params} is of the architecture {arch[:80]}, which open_clip does not know",
            hint="Put the open_clip_config.json of that beside the weights",
        )
    if told.get("force_quick_gelu") is True:
        config["quick_gelu"] = True
    if told.get("force_custom_text") is True:
        config["custom_text"] = True
    for name, (section, key) in _FORCED.items():
        if (value := told.get(name)) is not None:
            config[section][key] = (
                value[0] if isinstance(value, list) and value[1:] == [] else value
            )
    began_with = open_clip.get_pretrained_cfg(arch, str(told.get("pretrained") or "")) or {}
    prepared = {key: began_with.get(key) or OPENAI[key] for key in _PREPARED}
    given = {key: told[name] for key, name in _PREPARED.items() if told.get(name) is not None}
    return arch, config, {**prepared, **given}


def _read(params: Path) -> Mapping[str, Any]:
    """The arguments, as Python wrote them; a text where they are none of its literals."""
    try:
        with params.open(encoding="utf-8") as file:
            text = file.read(_LONGEST)
    except (OSError, UnicodeDecodeError):
        return {}
    lines = (line.partition(": ") for line in text.splitlines())
    return {name: _literal(value) for name, colon, value in lines if colon}


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
