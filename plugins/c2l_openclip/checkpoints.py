"""Weights and config to live towers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_openclip.architecture import Architecture
from c2l_openclip.tokens import require_transformers
from c2l_openclip.towers import OwnTowers, make_towers
from c2l_openclip.weights import read_state

_LARGEST = 1 << 20
_MOST_LAYERS = 1000


class AnyCLIP(nn.Module):
    """A model that open_clip builds, for architectures that are not plain."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        size = model.visual.image_size  # type: ignore[union-attr]
        self.image_size: tuple[int, int] = (size, size) if isinstance(size, int) else tuple(size)  # type: ignore[arg-type]

    @property
    def image_tower(self) -> nn.Module:
        """All that ``encode_image`` computes with."""
        tower: nn.Module = self.model.visual  # type: ignore[assignment]
        return tower

    def encode_image(self, images: Tensor) -> Tensor:
        """Prepared images (B, 3, h, w) to embeddings (B, E), not normalised."""
        # CoCa normalises unless told otherwise, the other classes do not.
        features: Tensor = self.model.encode_image(images, normalize=False)  # type: ignore[operator]
        return features

    def encode_text(self, ids: Tensor) -> Tensor:
        """Ids (B, context length) to embeddings (B, E), not normalised."""
        features: Tensor = self.model.encode_text(ids, normalize=False)  # type: ignore[operator]
        return features


def build_towers(
    config: Mapping[str, Any],
    weights: Path,
    state: Mapping[str, Tensor] | None = None,
    *,
    rows: int | None = None,
) -> OwnTowers | AnyCLIP:
    """Build the towers and fill them, in float32 and eval mode, on the CPU.

    Args:
        config: open_clip's ``model_cfg``, with ``quick_gelu`` settled.
        weights: ``.safetensors``, or a torch file, of which only tensors are read.
        state: these tensors, where they were read already.
        rows: at least so many rows of the token table; None for the whole vocabulary.
    Raises:
        BadWeights: the file is truncated, or holds another model than the config describes.
        MissingDependency: the text tower needs transformers.
    """
    _refuse_giants(config, weights)
    ours = Architecture.read(config)
    if rows is not None and (ours is None or not ours.plain):
        raise BadWeights(
            f"{weights.parent}: a compact token table goes with a plain CLIP only",
            hint="Store the whole table and leave out the key c2l",
        )
    try:
        if ours is None:
            return AnyCLIP(_build_with_open_clip(config, weights))
        state = read_state(weights) if state is None else state
        towers = _fill(ours, state, rows)
        if towers is None and rows is not None:
            raise BadWeights(
                f"{weights} does not hold the model that its config describes",
                hint="Write the folder again",
            )
        # Other people's names, other grids: open_clip knows how to convert them.
        return towers or _require(_fill(ours, _build_with_open_clip(config, weights).state_dict()))
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, EOFError) as error:
        raise BadWeights(
            f"{weights} does not hold the model that its config describes: "
            f"{str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}",
            hint="Fetch it again, or check open_clip_config.json",
        ) from error


def _refuse_giants(config: Mapping[str, Any], weights: Path) -> None:
    """Refuse sizes that no model has, before anything is made of them.

    Raises:
        BadWeights: naming one.
    """
    for section in (config, config["vision_cfg"], config["text_cfg"]):
        for key, value in section.items():
            for number in value if isinstance(value, list | tuple) else [value]:
                most = _MOST_LAYERS if key == "layers" else _LARGEST
                if isinstance(number, int | float) and not -most <= number <= most:
                    raise BadWeights(
                        f"the config of {weights} has {key} {number!r:.40}, which no model has",
                        hint="Check open_clip_config.json",
                    )


def _fill(
    architecture: Architecture, state: Mapping[str, Tensor], rows: int | None = None
) -> OwnTowers | None:
    """Towers with these tensors, or None if they are not exactly their own."""
    stored = {
        name: tensor for name, tensor in state.items() if not name.endswith(".num_batches_tracked")
    }
    for name in ("logit_scale", "logit_bias"):
        # One element, whether stored as a scalar or as a vector.
        if name in stored and stored[name].numel() == 1:
            stored[name] = stored[name].reshape(())
    texts = "text." if architecture.custom else ""
    table = stored.get(f"{texts}token_embedding.weight")
    if table is None or len(table) < (rows or architecture.text.vocab_size):
        return None
    towers = make_towers(architecture, len(table))
    if not architecture.plain:
        stored = {f"model.{name}": tensor for name, tensor in stored.items()}
    wanted = {name: tensor.shape for name, tensor in towers.state_dict().items()}
    if {name: tensor.shape for name, tensor in stored.items()} != wanted:
        return None
    towers.load_state_dict({name: t.detach().float() for name, t in stored.items()}, assign=True)
    return towers.eval().requires_grad_(False)


def _require(towers: OwnTowers | None) -> OwnTowers:
    if towers is None:
        raise ValueError("open_clip's tensors for this config are not those of our towers")
    return towers


def _build_with_open_clip(config: Mapping[str, Any], weights: Path) -> nn.Module:
    """What ``open_clip.create_model`` builds, for a config and a file instead of a name."""
    settings = deepcopy(dict(config))
    text, vision = settings["text_cfg"], settings["vision_cfg"]
    if text.get("hf_model_name"):
        require_transformers(f"the text tower {text['hf_model_name']}")
        text["hf_model_pretrained"] = False
    if vision.get("timm_model_name"):
        vision["timm_model_pretrained"] = False
    import open_clip

    custom = settings.pop("custom_text", False) or bool(text.get("hf_model_name"))
    if not custom:
        cls = open_clip.CLIP
    elif "multimodal_cfg" in settings:
        cls = open_clip.CoCa
    else:
        cls = open_clip.CustomTextCLIP
    with torch.device("meta"):  # takes no memory
        size = sum(parameter.numel() for parameter in cls(**deepcopy(settings)).parameters())
    if size * 2 > weights.stat().st_size:
        raise ValueError(f"it describes {size:,} parameters, which do not fit into the file")
    model = cls(**settings)
    with _as_safetensors(weights) as tensors:
        open_clip.load_checkpoint(model, str(tensors))
    built: nn.Module = model.float().eval().requires_grad_(False)
    return built


@contextmanager
def _as_safetensors(weights: Path) -> Iterator[Path]:
    """The file as open_clip may read it: it would unpickle any other kind itself."""
    if weights.suffix == ".safetensors":
        yield weights
        return
    with tempfile.TemporaryDirectory(prefix="c2l-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "weights.safetensors"
        save_file(read_state(weights), path)
        yield path
