"""Where a model's config, preprocessing and weights come from: a tag of open_clip, or a path."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.errors import BadWeights, NotDownloaded, UnknownReference
from c2l.reading import read_beginning
from c2l_openclip import foreign, trained
from c2l_openclip.offline import is_offline
from c2l_openclip.stock import model_config, pretrained
from c2l_openclip.tokens import require_transformers
from c2l_openclip.weights import (
    EPOCHS,
    SUFFIXES,
    WEIGHT_NAMES,
    find_weights,
    is_torchscript,
    read_state,
    shards_of,
)

CONFIG_NAME = "open_clip_config.json"
_LISTING = 'List them: `c2l models list kind="embedder"`'


@dataclass(frozen=True)
class Checkpoint:
    """Everything that decides an embedder, before any tensor is read.

    Args:
        name: for messages.
        config: open_clip's ``model_cfg``, with ``quick_gelu`` settled.
        preprocess: open_clip's ``preprocess_cfg``, of these very weights.
        weights: the file.
        tokenizer: what open_clip's ``get_tokenizer`` takes.
        vocabulary: the key ``c2l`` of a folder with a compact token table.
        state: the tensors, where they were read already.
    """

    name: str
    config: Mapping[str, Any]
    preprocess: Mapping[str, Any]
    weights: Path
    tokenizer: str
    vocabulary: Mapping[str, Any] | None = None
    state: Mapping[str, Tensor] | None = None


def from_path(path: Path) -> Checkpoint:
    """A folder that open_clip or transformers wrote, or a file of weights.

    Raises:
        BadWeights: it is something else.
    """
    if path.is_file() and path.suffix in SUFFIXES:
        if (described := _described(path)) is not None:
            return _from_folder(described, path)
        if is_torchscript(path):
            return _from_openai(path)
        if (params := trained.params_of(path)) is not None:
            return _from_training(params, path)
        raise BadWeights(
            f"{path} does not say which architecture its weights are of",
            hint=f"Put the {CONFIG_NAME} of that beside it, as open_clip writes it",
        )
    if not (path / CONFIG_NAME).is_file() and foreign.transformers_kind(path):
        return _from_transformers(path)
    if not (path / CONFIG_NAME).is_file() and (params := trained.params_of(path)) is not None:
        return _from_training(params, find_weights(path))
    return _from_folder(path)


def _described(weights: Path) -> Path | None:
    """The folder whose config describes a file; an epoch may lie below it."""
    folder = weights.parent
    above = [folder.parent] if folder.name == EPOCHS else []
    return next((f for f in (folder, *above) if (f / CONFIG_NAME).is_file()), None)


def recognises(path: Path) -> bool:
    """Whether ``from_path`` would understand a path; looks at names alone."""
    if path.is_file():
        if path.suffix not in SUFFIXES:
            return False
        if _described(path) is not None or trained.params_of(path) is not None:
            return True
        return is_torchscript(path) and b"token_embedding" in read_beginning(path)
    if (path / CONFIG_NAME).is_file() or trained.params_of(path) is not None:
        return True
    return foreign.transformers_kind(path) in ("clip", "siglip", "siglip2")


def _from_openai(path: Path) -> Checkpoint:
    """One of the archives that OpenAI published."""
    state = read_state(path)
    config = foreign.openai_config(state, path)
    return Checkpoint(str(path), config, foreign.OPENAI, path, "", state=state)


def _from_transformers(folder: Path) -> Checkpoint:
    """A CLIP that transformers wrote."""
    config, preprocess = foreign.transformers_config(folder)
    weights = find_weights(folder)
    state = foreign.renamed(
        {name: t for file in shards_of(weights) for name, t in read_state(file).items()}
    )
    return Checkpoint(str(folder), config, preprocess, weights, "", state=state)


def _from_training(params: Path, weights: Path) -> Checkpoint:
    """An epoch of OpenCLIP's own training, with its arguments beside it."""
    arch, config, preprocess = trained.read_run(params)
    return Checkpoint(str(weights), config, preprocess, weights, arch)


def _from_folder(folder: Path, weights: Path | None = None) -> Checkpoint:
    """A folder in open_clip's local-dir format.

    Args:
        weights: a file in it; None to choose one.
    """
    path = folder / CONFIG_NAME
    hint = f"Give a folder with {CONFIG_NAME} and weights, as open_clip writes it"
    if not folder.is_dir():
        raise BadWeights(f"{folder} is not a folder", hint=hint)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadWeights(f"{folder} holds no {CONFIG_NAME}", hint=hint) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadWeights(f"{path} cannot be read: {error}", hint=hint) from error
    config = raw.get("model_cfg") if isinstance(raw, dict) else None
    if not isinstance(config, dict) or not _sections(config):
        raise BadWeights(
            f"{path} has no model_cfg with embed_dim, vision_cfg and text_cfg", hint=hint
        )
    return Checkpoint(
        name=str(folder),
        config=config,
        preprocess=raw.get("preprocess_cfg") or {},
        weights=weights or find_weights(folder),
        tokenizer=f"local-dir:{folder}",
        vocabulary=raw.get("c2l"),
    )


def from_tag(name: str) -> Checkpoint:
    """One of ``open_clip.list_pretrained()``, fetched if it is not on this machine.

    Args:
        name: ``ARCH/TAG``. An architecture may be written as OpenAI does, ``ViT-B/32``.
    Raises:
        UnknownReference: open_clip does not list it.
        NotDownloaded: it is not on this machine and cannot be fetched.
    """
    offline = is_offline()  # before open_clip imports Hugging Face's code
    arch, listed, config = _listed(name)
    # The tag knows how its weights were trained; the architecture's name is what people type.
    # An architecture that always has QuickGELU keeps it where the tag is silent.
    config["quick_gelu"] = bool(listed.get("quick_gelu") or config.get("quick_gelu"))
    for key in ("hf_tokenizer_name", "hf_model_name"):
        if config["text_cfg"].get(key):  # said before gigabytes are fetched
            require_transformers(f"the text of openclip:{name}")
    return Checkpoint(
        name=f"openclip:{name}",
        config=config,
        preprocess=listed,
        weights=_fetch(f"openclip:{name}", listed, offline=offline),
        tokenizer=arch,
    )


def is_here(name: str) -> bool:
    """Whether the weights of ``ARCH/TAG`` are on this machine, so that nothing is fetched.

    Raises:
        UnknownReference: open_clip does not list it.
        MissingDependency: open_clip is not installed.
    """
    is_offline()  # before open_clip imports Hugging Face's code
    _, listed, _ = _listed(name)
    hub, url = str(listed.get("hf_hub") or ""), str(listed.get("url") or "")
    if hub:
        return _cached(hub) is not None
    return os.path.isfile(os.path.expanduser(f"~/.cache/clip/{url.rpartition('/')[2]}"))


def _listed(name: str) -> tuple[str, Mapping[str, Any], dict[str, Any]]:
    """The architecture, what open_clip knows of the weights, and its config."""
    arch, _, tag = name.rpartition("/")
    arch = arch.replace("/", "-")
    listed = pretrained().get_pretrained_cfg(arch, tag)
    config = model_config(arch) if listed else None
    if not listed or config is None:
        raise _unknown(name, [f"{a}/{t}" for a, t in pretrained().list_pretrained()])
    return arch, listed, config


def _sections(config: Mapping[str, Any]) -> bool:
    return isinstance(config.get("embed_dim"), int) and all(
        isinstance(config.get(section), dict) for section in ("vision_cfg", "text_cfg")
    )


def _unknown(name: str, known: list[str]) -> UnknownReference:
    """Names an architecture's tags where that is right, else the nearest of all names."""
    same = [k for k in known if k.rpartition("/")[0].lower() == name.strip("/").lower()]
    if same:
        message = f"openclip:{name} does not say which weights"
    else:
        message = f"open_clip lists no weights {name!r}"
    folded = {k.lower(): k for k in known}
    near = same or [
        folded[k] for k in difflib.get_close_matches(name.lower(), list(folded), n=3, cutoff=0.5)
    ]
    # A right architecture with a wrong tag: its own tags are nearer than any spelling.
    arch = name.rpartition("/")[0].lower()
    near = same or [k for k in known if k.rpartition("/")[0].lower() == arch][:4] or near
    suggestion = "Did you mean " + ", ".join(f"openclip:{k}" for k in near[:4]) + "? "
    return UnknownReference(message, hint=(suggestion if near else "") + _LISTING)


def _fetch(reference: str, listed: Mapping[str, Any], *, offline: bool) -> Path:
    """The file of weights: from the cache of Hugging Face, or by open_clip's own download."""
    where = str(listed.get("hf_hub") or listed.get("url") or "")
    cached = _cached(where)
    if cached is not None:
        return cached
    missing = f"the weights of {reference} ({where.strip('/')}) are not on this machine, and "
    copy = ", or copy Hugging Face's cache (HF_HOME) from a machine that has them"
    if offline:
        raise NotDownloaded(
            missing + "the network is switched off",
            hint=f"Unset C2L_OFFLINE and HF_HUB_OFFLINE and run this again{copy}",
        )
    try:
        return Path(pretrained().download_pretrained(dict(listed)))
    except Exception as error:  # whatever the network's layers raise, it is one thing to a user
        raise NotDownloaded(
            f"{missing}the download failed: {_first_line(error)}",
            hint=f"Check the network and run this again{copy}",
        ) from error


def _cached(where: str) -> Path | None:
    """The file in Hugging Face's cache, without asking the network whether there is a newer one.

    Args:
        where: ``organisation/repository/`` with or without a file name, as open_clip writes it.
    """
    from huggingface_hub import try_to_load_from_cache

    repository, _, name = where.rpartition("/")
    if where.startswith("http") or repository.count("/") != 1:
        return None
    stem = name.rpartition(".")[0]
    names = [f"{stem}.safetensors", name] if name else WEIGHT_NAMES
    for candidate in names:
        found = try_to_load_from_cache(repository, candidate)
        if isinstance(found, str):
            return Path(found)
    return None


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
