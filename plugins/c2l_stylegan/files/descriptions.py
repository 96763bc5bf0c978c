"""Descriptions of networks as JSON: the project's own, and NVIDIA's init arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from c2l.errors import BadWeights
from c2l_stylegan.networks.settings import (
    FAMILIES,
    Settings,
    StyleGAN2Settings,
    StyleGAN3Settings,
    family_of,
)

SCHEMA = "c2l-stylegan/1"
_LARGEST_JSON = 4 << 20


def description_of(settings: Settings) -> dict[str, Any]:
    """The project's own description, which ``settings_of`` understands."""
    return {"schema": SCHEMA, "family": family_of(settings), "settings": settings.to_dict()}


def settings_of(data: Mapping[str, Any], path: Path) -> Settings:
    """The settings that a description holds.

    Raises:
        BadWeights: naming the file ``path``, and what is wrong or missing in it.
    """
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise BadWeights(f"{path} has the schema {str(schema)[:40]!r}, not {SCHEMA!r}")
    try:
        if "schema" in data:
            return FAMILIES[data["family"]].from_dict(data["settings"])
        kwargs = data["init_kwargs"]
        class_name = str(data.get("class_name", ""))
        family = "stylegan3" if "networks_stylegan3" in class_name else data.get("family")
        if family == "stylegan3":
            return StyleGAN3Settings.from_init_kwargs(kwargs)
        if family is None and not class_name:
            raise BadWeights(
                f"{path} has no class_name", hint="Add `class_name`, the class of the network"
            )
        is_ada = class_name == "training.networks.Generator" or data.get("repo") == "ada"
        return StyleGAN2Settings.from_init_kwargs(kwargs, repo="ada" if is_ada else "")
    except BadWeights as error:
        problem = f"the description in {path} is unusable: {error.message}"
        raise BadWeights(problem, hint=error.hint) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadWeights(f"the description in {path} is unusable: {problem}") from error


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        BadWeights: it cannot be read, is too large, or is not a JSON object.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise BadWeights(f"{path} is too large for a description of a network")
        return parse_description(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadWeights(f"cannot read {path}: {error}") from error


def parse_description(text: str, path: Path) -> dict[str, Any]:
    """The JSON object that ``text``, found in the file ``path``, is."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadWeights(f"the description in {path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadWeights(f"the description in {path} is not a JSON object")
    return data


def description_beside(path: Path) -> Path | None:
    """The JSON beside a file of weights that does not describe itself, if there is one.

    A ``config.json`` of some other tool is passed over.
    """
    candidates = (
        path.with_suffix(".json"),
        path.parent / "golden.json",
        path.parent / "config.json",
    )
    found = [candidate for candidate in candidates if candidate.is_file()]
    if found and found[0] == candidates[-1]:
        with suppress(BadWeights):
            return (
                found[0] if {"schema", "init_kwargs"} & read_description(found[0]).keys() else None
            )
        return None
    return found[0] if found else None
