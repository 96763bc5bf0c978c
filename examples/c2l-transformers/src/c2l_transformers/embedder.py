"""CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023), as transformers has them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AutoTokenizer, CLIPModel, PreTrainedTokenizerFast, SiglipModel
from transformers.utils import logging

import c2l
from c2l.errors import BadInput, BadWeights
from c2l_transformers.preprocessing import Preprocessing

MODELS = {"clip": CLIPModel, "siglip": SiglipModel}
CONFIG = "config.json"
HINT = "Give a folder that save_pretrained of a CLIPModel or SiglipModel and its processor wrote"

TOWERS = ("text_config", "vision_config")
NOT_ARCHITECTURE = {"_name_or_path", "dtype", "torch_dtype", "transformers_version"}
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")


class TransformersEmbedder(c2l.Embedder):
    """The two towers, in float32.

    Args:
        model: CLIP or SigLIP.
        tokenizer: of its text tower.
        preprocessing: of its image tower.
        origin: digests of what else decides an embedding, by name.
    """

    def __init__(
        self,
        model: CLIPModel | SiglipModel,
        tokenizer: PreTrainedTokenizerFast,
        preprocessing: Preprocessing,
        origin: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.preprocessing = preprocessing
        self.origin = origin
        self.context = int(model.config.text_config.max_position_embeddings)

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a folder; the network is not used, and no code in the folder is run.

        Raises:
            BadWeights: it lacks something, or holds another model.
        """
        folder = source.path
        assert folder is not None, "there are no named ones"
        config = _read_config(folder)
        preprocessing = Preprocessing.read(folder)
        try:
            # Only weights that are missing would be drawn at random, and those are refused.
            with _quiet(), torch.random.fork_rng(devices=[]):
                model, report = MODELS[config["model_type"]].from_pretrained(
                    folder, local_files_only=True, use_safetensors=True, output_loading_info=True
                )
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # transformers raises whatever its parts raise
            reason = " ".join(str(error).split())
            raise BadWeights(f"{folder} cannot be read: {reason}", hint=HINT) from error
        wrong = [*report["missing_keys"], *report["mismatched_keys"]]
        if wrong:
            raise BadWeights(f"{folder} has no weights for {wrong[0]}", hint=HINT)
        if not tokenizer.is_fast:
            raise BadWeights(f"{folder} has no tokenizer.json", hint=HINT)
        side = model.config.vision_config.image_size
        if preprocessing.size != (side, side):
            raise BadWeights(
                f"{folder} prepares pictures of {preprocessing.size} px for a model of {side} px",
                hint=HINT,
            )
        origin = {"architecture": _digest_of_towers(config), "tokenizer": _digest_of_files(folder)}
        model.float().eval().requires_grad_(False)
        return cls(model, tokenizer, preprocessing, origin).eval()

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether it is a folder with the config of such a model."""
        try:
            return bool(_read_config(path))
        except BadWeights:
            return False

    @property
    def width(self) -> int:
        config = self.model.config
        return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)

    def settings(self) -> Mapping[str, Any]:
        """No path and no name: the same model has one fingerprint wherever it lies."""
        return {**self.origin, "preprocessing": self.preprocessing.settings()}

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        if isinstance(prompts, str):
            raise BadInput("one prompt was given where a list is wanted", hint="Write [prompt]")
        if not prompts:
            return torch.empty(0, self.width, device=self.device)
        # All as long as can be: SigLIP learnt that way, and no text depends on another's length.
        ids = self.tokenizer(
            list(prompts),
            padding="max_length",
            truncation=True,
            max_length=self.context,
            return_tensors="pt",
        ).input_ids
        return self.model.get_text_features(input_ids=ids.to(self.device)).pooler_output

    def embed_images(self, images: Tensor) -> Tensor:
        if not len(images):
            return torch.empty(0, self.width, device=self.device)
        pixels = self.preprocessing(images.to(self.device, torch.float32))
        return self.model.get_image_features(pixel_values=pixels).pooler_output

    def read_text(self, prompt: str) -> c2l.TextReading:
        read = self.tokenizer(
            prompt, truncation=True, max_length=self.context, return_offsets_mapping=True
        )
        end = max((end for _, end in read["offset_mapping"]), default=0)
        return c2l.TextReading(cut=prompt[end:].strip())


def _read_config(folder: Path) -> dict[str, Any]:
    """Raises ``BadWeights`` unless it is that of a known model."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadWeights(f"{folder} has no {CONFIG} of a model", hint=HINT) from error
    if kind not in MODELS:
        raise BadWeights(f"{folder} holds a {kind}, none of {', '.join(MODELS)}", hint=HINT)
    return config


def _digest_of_towers(config: Mapping[str, Any]) -> str:
    towers = {
        tower: {k: v for k, v in (config.get(tower) or {}).items() if k not in NOT_ARCHITECTURE}
        for tower in TOWERS
    }
    text = json.dumps([config["model_type"], config.get("projection_dim"), towers], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in (folder / name for name in TOKENIZER_FILES):
        if file.exists():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and advice; what matters is in its report."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
