"""Which of open_clip's configs describe towers of our own, and what they say about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_EPSILON = 1e-5


@dataclass(frozen=True)
class TransformerSettings:
    """Sizes of a Transformer, and its activation: ``gelu``, ``quick_gelu`` or ``tanh``."""

    width: int
    layers: int
    heads: int
    hidden: int
    activation: str
    epsilon: float


@dataclass(frozen=True)
class ViTSettings:
    """A Vision Transformer.

    Args:
        norm_first: whether tokens are normalised before the first block.
        average: whether the embedding is read off the mean of the patches, not the class token.
        norm_last: whether that mean is normalised, not what it is the mean of.
    """

    image_size: int
    patch_size: int
    transformer: TransformerSettings
    norm_first: bool
    average: bool
    norm_last: bool


@dataclass(frozen=True)
class ResNetSettings:
    """A modified ResNet of four stages."""

    image_size: int
    layers: tuple[int, int, int, int]
    width: int
    heads: int


@dataclass(frozen=True)
class TextSettings:
    """A text Transformer.

    Args:
        causal: whether a token sees only those before it.
        last: whether the embedding is read off the last place, not the end token.
        bias: whether the projection has one.
    """

    context_length: int
    vocab_size: int
    transformer: TransformerSettings
    causal: bool
    last: bool
    bias: bool


@dataclass(frozen=True)
class Architecture:
    """The part of open_clip's ``model_cfg`` that decides what is computed; defaults are theirs.

    Args:
        custom: whether open_clip keeps the text tower as a module of its own (``custom_text``),
            which decides the names of its tensors.
        logit_bias: whether the weights hold one, as SigLIP's do; embeddings do not need it.
    """

    embed_dim: int
    vision: ViTSettings | ResNetSettings
    text: TextSettings
    custom: bool
    logit_bias: bool

    @property
    def plain(self) -> bool:
        """Whether it is OpenAI's own: what a compact token table goes with."""
        towers = [self.text.transformer]
        if isinstance(self.vision, ViTSettings):
            if not self.vision.norm_first or self.vision.average:
                return False
            towers.append(self.vision.transformer)
        usual = all(t.epsilon == _EPSILON and t.activation != "tanh" for t in towers)
        more = self.custom or self.logit_bias or self.text.last or self.text.bias
        return usual and not more

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Architecture | None:
        """The config, or None where it asks for anything that our towers do not have."""
        top = dict(config)
        vision, text = _Section(top.pop("vision_cfg", {})), _Section(top.pop("text_cfg", {}))
        embed_dim = top.pop("embed_dim", None)
        custom, quick = bool(top.pop("custom_text", False)), bool(top.pop("quick_gelu", False))
        logit_bias = top.pop("init_logit_bias", None) is not None
        top.pop("init_logit_scale", None)  # stands in the weights
        try:
            image = _read_vision(vision, quick)
            words = _read_text(text, quick)
        except _NotOursError:
            return None
        if any(top.values()) or vision.asks_for_more() or text.asks_for_more():
            return None
        if not isinstance(embed_dim, int) or embed_dim < 1:
            return None
        found = cls(embed_dim, image, words, custom, logit_bias)
        if isinstance(image, ResNetSettings) and not found.plain:
            return None  # its fingerprint has what open_clip's batch norms count in training
        return found


class _NotOursError(Exception):
    """A value that our towers do not have."""


class _Section:
    """One section of a config, whose fields are taken out one by one."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._rest = dict(section)

    def take(self, name: str, default: Any = None) -> Any:
        return self._rest.pop(name, default)

    def size(self, name: str, default: int) -> int:
        value = self.take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _NotOursError(name)
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        """A word, by default the first."""
        value = self.take(name) or known[0]
        if value not in known:
            raise _NotOursError(name)
        return str(value)

    def only(self, name: str, key: str) -> Any:
        """The value of the one key that a dictionary may have; None where there is none."""
        told = dict(self.take(name) or {})
        value = told.pop(key, None)
        if told:
            raise _NotOursError(name)
        return value

    def asks_for_more(self) -> bool:
        return any(bool(value) for value in self._rest.values())


def _read_vision(section: _Section, quick: bool) -> ViTSettings | ResNetSettings:
    image_size, patch = section.size("image_size", 224), section.take("patch_size", 16) or 16
    width, head_width = section.size("width", 768), section.size("head_width", 64)
    layers = section.take("layers", 12)
    section.one_of("pos_embed_type", ("learnable", "sin_cos_2d"))  # stored in either case
    if isinstance(layers, list | tuple):
        section.take("mlp_ratio")
        if len(layers) != 4 or any(not isinstance(n, int) or n < 1 for n in layers):
            raise _NotOursError("layers")
        section.one_of("pool_type", ("tok",))
        section.one_of("block_type", ("default",))
        one, two, three, four = layers
        return ResNetSettings(image_size, (one, two, three, four), width, width * 32 // head_width)
    if any(not isinstance(n, int) or n < 1 for n in (layers, patch)) or width % head_width:
        raise _NotOursError("layers")
    return ViTSettings(
        image_size=image_size,
        patch_size=patch,
        transformer=_read_transformer(section, width, layers, width // head_width, quick),
        norm_first=not section.take("no_ln_pre", False),
        average=section.one_of("pool_type", ("tok", "avg")) == "avg",
        norm_last=bool(section.take("final_ln_after_pool", False)),
    )


def _read_text(section: _Section, quick: bool) -> TextSettings:
    for name in ("hf_tokenizer_name", "tokenizer_kwargs", "tokenizer_mode", "pad_id", "eos_id"):
        section.take(name)  # the tokenizer's, or moot without a mask for padding
    section.one_of("proj_type", ("linear",))
    width, heads = section.size("width", 512), section.size("heads", 8)
    layers = section.size("layers", 12)
    causal = not section.take("no_causal_mask", False)
    last = section.one_of("pool_type", ("argmax", "last")) == "last"
    if width % heads or not (causal or last):
        raise _NotOursError("heads")
    return TextSettings(
        context_length=section.size("context_length", 77),
        vocab_size=section.size("vocab_size", 49408),
        transformer=_read_transformer(section, width, layers, heads, quick),
        causal=causal,
        last=last,
        bias=bool(section.take("proj_bias", False)),
    )


def _read_transformer(
    section: _Section, width: int, layers: int, heads: int, quick: bool
) -> TransformerSettings:
    section.one_of("block_type", ("default",))
    ratio, epsilon = section.take("mlp_ratio", 4.0), section.only("norm_kwargs", "eps")
    kind = section.only("act_kwargs", "approximate") or "none"
    if kind not in ("none", "tanh") or (quick and kind == "tanh"):
        raise _NotOursError("act_kwargs")
    activation = "quick_gelu" if quick else "tanh" if kind == "tanh" else "gelu"
    return TransformerSettings(
        width, layers, heads, int(width * ratio), activation, float(epsilon or _EPSILON)
    )
