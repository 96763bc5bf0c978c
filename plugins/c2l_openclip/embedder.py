"""The embedder: OpenCLIP's towers behind c2l's interface."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from c2l import Embedder, Source, TextReading
from c2l.errors import BadInput, BadWeights
from c2l_openclip.checkpoints import AnyCLIP, build_towers
from c2l_openclip.preprocessing import Preprocessing
from c2l_openclip.sources import CONFIG_NAME, Checkpoint, from_path, from_tag, is_here, recognises
from c2l_openclip.tokens import BPETokenizer, HuggingFaceTokenizer, Tokenizer
from c2l_openclip.towers import OwnTowers
from c2l_openclip.vocabulary import Vocabulary


class OpenCLIP(Embedder):
    """Any model of open_clip (Cherti et al. 2023, arXiv:2212.07143).

    Args:
        towers: of text and images.
        tokenizer: of the text tower.
        preprocessing: of the image tower; belongs to the weights.
        config: open_clip's ``model_cfg``, with ``quick_gelu`` settled.
        vocabulary: for towers with a compact token table.
    """

    def __init__(
        self,
        towers: OwnTowers | AnyCLIP,
        tokenizer: Tokenizer,
        preprocessing: Preprocessing,
        config: Mapping[str, Any],
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__()
        self.towers = towers
        self.tokenizer = tokenizer
        self.preprocessing = preprocessing
        self.config = config
        self.vocabulary = vocabulary
        self._table = vocabulary.table() if vocabulary else None
        self._image_dtype = torch.float32

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read ``openclip:ARCH/TAG``, a folder that open_clip or transformers wrote, or a file.

        Raises:
            UnknownReference: open_clip lists no such architecture and tag.
            NotDownloaded: the weights are not on this machine and cannot be fetched.
            MissingDependency: the tokenizer needs transformers.
            BadWeights: the folder or the weights are not what they should be.
        """
        found = from_path(source.path) if source.path else from_tag(source.reference.name)
        tokenizer = _tokenizer(found)
        vocabulary = None
        if found.vocabulary is not None:
            vocabulary = Vocabulary.read(found.vocabulary, found.name)
        towers = build_towers(
            found.config,
            found.weights,
            found.state,
            rows=max(len(vocabulary.token_ids), vocabulary.unknown_row + 1) if vocabulary else None,
        )
        preprocessing = Preprocessing.read(found.preprocess, towers.image_size, found.name)
        return cls(towers, tokenizer, preprocessing, found.config, vocabulary).eval()

    @classmethod
    def is_fetched(cls, source: Source) -> bool:
        """Whether the weights of a tag are on this machine."""
        return is_here(source.reference.name)

    @classmethod
    def fetch(cls, source: Source) -> None:
        """Fetch the weights of a tag.

        Raises:
            UnknownReference, NotDownloaded, MissingDependency
        """
        from_tag(source.reference.name)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` is a folder or file that ``load`` would understand."""
        return recognises(path)

    @property
    def width(self) -> int:
        """E, the width of an embedding."""
        return int(self.config["embed_dim"])

    def settings(self) -> Mapping[str, Any]:
        """Preprocessing, tokenizer, and a digest of the architecture; no name and no path.

        Weights have one fingerprint under every name they are loaded by.
        """
        canonical = json.dumps({"quick_gelu": False, **self.config}, sort_keys=True)
        return {
            "architecture": hashlib.sha256(canonical.encode()).hexdigest()[:16],
            "embedding_width": self.width,
            "preprocessing": self.preprocessing.settings(),
            "quick_gelu": bool(self.config.get("quick_gelu")),
            "tokenizer": self.tokenizer.name,
            "vocabulary": self.vocabulary.digest() if self.vocabulary else "",
        }

    def _compute_in(self, dtype: torch.dtype) -> None:
        """Run both towers in ``dtype``, their weights rounded; of open_clip's, that of images."""
        rounded = self.towers.image_tower if isinstance(self.towers, AnyCLIP) else self.towers
        rounded.to(dtype)
        self._image_dtype = dtype

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        """Embed prompts: float32, shape (B, E), not normalised.

        Long prompts are cut at the context of the tower; ``read_text`` says what is lost.
        """
        if isinstance(prompts, str):
            raise BadInput("one prompt was given where a list is wanted", hint="Write [prompt]")
        if not prompts:
            return torch.empty(0, self.width, device=self.device)
        ids = self.tokenizer(prompts)
        if isinstance(self.towers, AnyCLIP):
            return self.towers.encode_text(ids.to(self.device))
        # The end token has the highest id. Where nothing after it can reach it, since attention is
        # causal, the batch is cut at the longest prompt: the same result in less time.
        ends = ids.argmax(dim=1)
        if self.towers.reads_to_the_end:
            ids = ids[:, : _rounded(int(ends.max()) + 1, self.device)]
        rows = ids if self._table is None else self._table[ids]
        return self.towers.encode_text(rows.to(self.device), ends.to(self.device)).float()

    def embed_images(self, images: Tensor) -> Tensor:
        """Embed images, differentiably and without leaving their device.

        Args:
            images: float, shape (B, 3, H, W), range [-1, 1] (clamped), any H and W.
        Returns:
            float32, shape (B, E), not normalised.
        Raises:
            BadInput: the tensor has another shape or is not floating point.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise BadInput(
                f"images of shape {tuple(images.shape)} and {images.dtype} cannot be embedded",
                hint="Give a floating tensor (B, 3, H, W) in [-1, 1]",
            )
        if not len(images):
            return torch.empty(0, self.width, device=self.device)
        images = images.to(device=self.device, dtype=torch.float32)
        prepared = self.preprocessing(images).to(self._image_dtype)
        return self.towers.encode_image(prepared).float()

    def read_text(self, prompt: str) -> TextReading:
        """What the tower does not see of a prompt: its cut end, and words it never learned.

        Only folders that list their words can name unknown ones.
        """
        unknown: tuple[str, ...] = ()
        if self.vocabulary is not None and isinstance(self.tokenizer, BPETokenizer):
            unknown = self.vocabulary.unknown_words(self.tokenizer.clean(prompt))
        return TextReading(cut=self.tokenizer.cut(prompt), unknown=unknown)


def _rounded(length: int, device: torch.device) -> int:
    """How many tokens a tower reads; on a GPU in steps, as each length is another CUDA graph."""
    return -(-length // 16) * 16 if device.type == "cuda" else length


def _tokenizer(found: Checkpoint) -> Tokenizer:
    text = found.config["text_cfg"]
    if text.get("hf_tokenizer_name"):
        return HuggingFaceTokenizer(str(text["hf_tokenizer_name"]), found.tokenizer)
    try:
        return BPETokenizer(
            int(text.get("context_length", 77)), dict(text.get("tokenizer_kwargs") or {})
        )
    except (TypeError, ValueError, AssertionError) as error:
        raise BadWeights(
            f"{found.name}: text_cfg asks for a tokenizer that open_clip cannot make: {error}",
            hint=f"Check tokenizer_kwargs in {CONFIG_NAME}",
        ) from error
